-- a suspect is no event yet: it is an alert
with log as (
    select * from {{ ref('int_depeg_log') }}
    where change != 'suspect'
),

price_config as (
    select * from {{ ref('cfg_price') }}
    qualify row_number() over (order by version desc) = 1
),

final as (
    select
        md5(log.event_key) as event_id,
        log.stablecoin_id,
        log.known_from_day,
        {{ decidable_at('log.known_from_day', 'price_config.decision_lag_h') }} as known_at,
        log.change,
        log.start_day,
        log.detected_day,
        log.rule as detection_rule,
        log.worst_bps,
        log.worst_low_bps,
        log.last_day_off,
        log.closed_day,
        cast({{ days_between('log.start_day', 'log.known_from_day') }} as bigint) as duration_d,
        log.severity,
        log.price_quality,
        log.evidence
    from log
    cross join price_config
)

select * from final
