select event.event_id, event.stablecoin_id, event.start_day
from {{ ref('depeg_event') }} as event
inner join {{ ref('dim_stablecoin') }} as stablecoin
    on event.stablecoin_id = stablecoin.stablecoin_id
    and event.start_day >= stablecoin.valid_from
    and event.start_day < coalesce(stablecoin.valid_to, date '9999-12-31')
where stablecoin.is_rebasing or stablecoin.is_yield_bearing
