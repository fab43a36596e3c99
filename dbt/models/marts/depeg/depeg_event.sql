{{ config(materialized='view') }}

-- the newest row of each event; with `where known_from_day <= <day>` inside, the events as they
-- were known on that day
with log as (
    select * from {{ ref('depeg_event_log') }}
),

newest as (
    select *
    from log
    qualify row_number() over (partition by event_id order by known_from_day desc) = 1
),

final as (
    select
        event_id,
        stablecoin_id,
        case change
            when 'close' then 'closed'
            when 'dead' then 'dead'
            else 'open'
        end as event_state,
        start_day,
        detected_day,
        detection_rule,
        worst_bps,
        worst_low_bps,
        last_day_off,
        closed_day,
        severity,
        known_from_day,
        known_at,
        as_of_ts,
        model_version
    from newest
)

select * from final
