{{ config(materialized='replaced_view') }}

-- every time the signal went long on an asset below the moonshot's market cap, and what came
-- of it up to the newest day. A pick stays listed whatever became of the asset.
with signal_event as (
    select * from {{ ref('signal_event') }}
),

plan as (
    select * from {{ ref('risk_plan_daily') }}
),

signal_close as (
    select * from {{ ref('int_signal_close_daily') }}
),

pick as (
    select
        signal_event.event_id as signal_event_id,
        signal_event.asset_id,
        signal_event.day,
        signal_event.effective_day,
        signal_event.trader_grade,
        plan.entry_usd,
        plan.mcap_usd,
        plan.stop_price,
        plan.max_position_frac,
        plan.size_by_risk_frac
    from signal_event
    inner join plan
        on signal_event.asset_id = plan.asset_id
        and signal_event.day = plan.day
    where signal_event.to_signal = 1 and plan.is_moonshot
),

left_at as (
    select
        pick.signal_event_id,
        min(signal_event.day) as exit_day
    from pick
    inner join signal_event
        on pick.asset_id = signal_event.asset_id
        and signal_event.day > pick.day
    group by pick.signal_event_id
),

-- in first units, so that a change of units is no return; 0 once the asset is dead
followed as (
    select
        pick.signal_event_id,
        max(case when signal_close.day = pick.day then signal_close.close_usd end) as entry_first_usd,
        max(case when signal_close.close_usd is not null then signal_close.day end)
        as last_close_day,
        max_by(signal_close.close_usd, signal_close.day) as last_close_first_usd,
        max(signal_close.close_usd) as highest_first_usd,
        min(signal_close.close_usd) as lowest_first_usd,
        -- a position is left at the last price there was
        max_by(
            case when signal_close.day <= coalesce(left_at.exit_day, signal_close.day)
                then signal_close.close_usd end,
            case when signal_close.day <= coalesce(left_at.exit_day, signal_close.day)
                then signal_close.day end
        ) as exit_first_usd
    from pick
    inner join signal_close
        on pick.asset_id = signal_close.asset_id
        and signal_close.day >= pick.day
        and signal_close.close_usd is not null
    left join left_at on pick.signal_event_id = left_at.signal_event_id
    group by pick.signal_event_id
),

newest as (
    select
        max(day) as newest_day,
        max(as_of_ts) as as_of_ts
    from plan
),

final as (
    select
        pick.signal_event_id,
        pick.asset_id,
        pick.day,
        pick.effective_day,
        pick.trader_grade,
        pick.entry_usd,
        pick.mcap_usd,
        pick.stop_price,
        pick.max_position_frac,
        pick.size_by_risk_frac,
        case
            when followed.last_close_first_usd <= 0 then 'dead'
            when left_at.exit_day is not null then 'closed'
            else 'open'
        end as pick_state,
        left_at.exit_day,
        case
            when left_at.exit_day is not null and followed.entry_first_usd > 0
                then followed.exit_first_usd / followed.entry_first_usd - 1
        end as exit_ret_frac,
        followed.last_close_day,
        case
            when followed.entry_first_usd > 0
                then followed.last_close_first_usd / followed.entry_first_usd - 1
        end as ret_since_pick_frac,
        case
            when followed.entry_first_usd > 0
                then followed.highest_first_usd / followed.entry_first_usd - 1
        end as best_since_pick_frac,
        case
            when followed.entry_first_usd > 0
                then followed.lowest_first_usd / followed.entry_first_usd - 1
        end as worst_since_pick_frac,
        newest.as_of_ts,
        {{ model_version() }} as model_version
    from pick
    cross join newest
    left join left_at on pick.signal_event_id = left_at.signal_event_id
    left join followed on pick.signal_event_id = followed.signal_event_id
)

select * from final
