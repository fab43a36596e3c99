-- of: stablecoin_id
select
    stablecoin_id,
    start_day,
    coalesce(closed_day, last_day_off + 1) as end_day,
    event_state,
    severity,
    worst_bps,
    worst_low_bps,
    last_day_off,
    closed_day,
    duration_d,
    replace(detection_rule, '_', ' ') as detection_rule,
    evidence
from marts.depeg_event
order by stablecoin_id, start_day desc
