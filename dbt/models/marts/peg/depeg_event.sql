{{ config(materialized='replaced_view') }}

-- the newest row of each event, and how long it has lasted since; with `where known_from_day <= <day>`
-- and `where day <= <day>` inside, the events as they were known on that day
with log as (
    select * from {{ ref('depeg_event_log') }}
),

peg as (
    select * from {{ ref('stablecoin_peg_daily') }}
),

depeg_config as (
    select * from {{ ref('cfg_depeg') }}
    qualify row_number() over (partition by peg_class order by version desc) = 1
),

stablecoin as (
    select * from {{ ref('int_stablecoin_registry') }}
),

newest as (
    select *
    from log
    qualify row_number() over (partition by event_id order by known_from_day desc) = 1
),

-- a log of changes is silent about the days on which an open event is no worse
lasting as (
    select
        newest.event_id,
        max(peg.day) as newest_day,
        max(case when abs(peg.dev_bps) > depeg_config.close_bps then peg.day end) as last_day_off
    from newest
    inner join stablecoin on newest.stablecoin_id = stablecoin.stablecoin_id
    inner join depeg_config
        on case when stablecoin.peg_ref = 'USD' then 'usd' else 'other' end = depeg_config.peg_class
    inner join peg
        on newest.stablecoin_id = peg.stablecoin_id
        and newest.known_from_day <= peg.day
        and peg.is_eligible is not null
    where newest.change in ('open', 'worst')
    group by newest.event_id
),

final as (
    select
        newest.event_id,
        newest.stablecoin_id,
        case newest.change
            when 'close' then 'closed'
            when 'dead' then 'dead'
            else 'open'
        end as event_state,
        newest.start_day,
        newest.detected_day,
        newest.detection_rule,
        newest.worst_bps,
        newest.worst_low_bps,
        greatest(newest.last_day_off, lasting.last_day_off) as last_day_off,
        newest.closed_day,
        greatest(
            newest.duration_d,
            cast({{ days_between('newest.start_day', 'lasting.newest_day') }} as bigint)
        ) as duration_d,
        newest.severity,
        newest.price_quality,
        newest.evidence,
        newest.known_from_day,
        newest.known_at,
        newest.as_of_ts,
        {{ model_version() }} as model_version
    from newest
    left join lasting on newest.event_id = lasting.event_id
)

select * from final
