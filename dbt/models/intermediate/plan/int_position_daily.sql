{% set before = 'partition by asset_id order by day rows between unbounded preceding and 1 preceding' %}
{% set so_far = 'partition by asset_id order by day rows between unbounded preceding and current row' %}

-- what was held over each day, with which entry and stop, and what came of it so far. All
-- prices are in the asset's first units: a change of units fills no stop.
with signal as (
    select * from {{ ref('int_signal_daily') }}
),

bar as (
    select * from {{ ref('int_asset_bar_daily') }}
),

indicator as (
    select asset_id, day, atr_14 from {{ ref('int_technical_daily') }}
),

short_market as (
    select * from {{ ref('int_short_market_daily') }}
),

plan_config as (
    select * from {{ ref('cfg_plan') }}
    qualify row_number() over (order by version desc) = 1
),

-- the change on a day takes effect on the next: over the day the change before it was in force
dated as (
    select
        asset_id,
        day,
        previous_signal as position,
        {{ last_known('case when signal != previous_signal then day end', so_far) }} as event_day,
        {{ last_known('case when signal != previous_signal then day end', before) }} as entry_day
    from signal
),

entered as (
    select
        dated.asset_id,
        dated.day,
        dated.event_day,
        case when dated.position != 0 then dated.position end as position,
        case when dated.position != 0 then dated.entry_day end as entry_day,
        case when dated.position != 0 then entry_bar.close_usd end as entry_usd,
        case
            when dated.position != 0
                and plan_config.stop_atr * indicator.atr_14 * entry_bar.unit_ratio
                > plan_config.min_stdev * entry_bar.close_usd
                and (dated.position > 0 or short_market.is_shortable)
                then plan_config.stop_atr * indicator.atr_14 * entry_bar.unit_ratio
        end as risk_usd,
        plan_config.take_profit_1_r,
        plan_config.take_profit_2_r
    from dated
    cross join plan_config
    left join bar as entry_bar
        on dated.asset_id = entry_bar.asset_id
        and dated.entry_day = entry_bar.day
    left join indicator
        on dated.asset_id = indicator.asset_id
        and dated.entry_day = indicator.day
    left join short_market
        on dated.asset_id = short_market.asset_id
        and dated.entry_day = short_market.day
),

reached as (
    select
        entered.*,
        bar.close_usd,
        bar.unit_ratio,
        -- how far the price went for and against the position since it was entered
        case
            when entered.position > 0
                then max(bar.high_usd) over since_entry - entered.entry_usd
            else entered.entry_usd - min(bar.low_usd) over since_entry
        end as best_usd,
        case
            when entered.position > 0
                then entered.entry_usd - min(bar.low_usd) over since_entry
            else max(bar.high_usd) over since_entry - entered.entry_usd
        end as worst_usd
    from entered
    left join bar
        on entered.asset_id = bar.asset_id
        and entered.day = bar.day
    window since_entry as (
        partition by entered.asset_id, entered.entry_day
        order by entered.day
        rows between unbounded preceding and current row
    )
),

final as (
    select
        asset_id,
        day,
        event_day,
        position,
        entry_day,
        entry_usd / unit_ratio as position_entry_usd,
        case
            when position < 0 or entry_usd - risk_usd > 0
                then (entry_usd - position * risk_usd) / unit_ratio
        end as position_stop_usd,
        position * (close_usd - entry_usd) / risk_usd as r_multiple,
        coalesce(worst_usd >= risk_usd, false) as is_stop_reached,
        coalesce(best_usd >= take_profit_1_r * risk_usd, false) as is_take_profit_1_reached,
        coalesce(best_usd >= take_profit_2_r * risk_usd, false) as is_take_profit_2_reached
    from reached
)

select * from final
