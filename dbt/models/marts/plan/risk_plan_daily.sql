-- how much to hold and where to leave, decided at the end of the day, in force from the next
with signal as (
    select * from {{ ref('int_signal_daily') }}
),

position as (
    select * from {{ ref('int_position_daily') }}
),

signal_event as (
    select event_id, asset_id, day from {{ ref('signal_event') }}
),

price as (
    select asset_id, day, close_usd, volume_usd from {{ ref('int_asset_price_daily') }}
),

risk as (
    select asset_id, day, vol_30d_ann, vol_90d_ann from {{ ref('returns_risk_daily') }}
),

indicator as (
    select asset_id, day, atr_14, nearest_support_usd, nearest_resistance_usd
    from {{ ref('technical_daily') }}
),

excursion as (
    select * from {{ ref('int_excursion_daily') }}
),

short_market as (
    select * from {{ ref('int_short_market_daily') }}
),

market_cap as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
),

membership as (
    select narrative_id, asset_id, day from {{ ref('int_narrative_member_daily') }}
),

narrative as (
    select
        narrative_id,
        day,
        quadrant_confirmed,
        {{ last_known(
            "case when quadrant_confirmed_from is not null and quadrant_confirmed = 'weakening' then day end",
            'partition by narrative_id order by day rows between unbounded preceding and current row'
        ) }} as weakening_day
    from {{ ref('int_narrative_index_daily') }}
),

plan_config as (
    select * from {{ ref('cfg_plan') }}
    qualify row_number() over (order by version desc) = 1
),

signal_config as (
    select * from {{ ref('cfg_signal') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

volume_window as (
    select
        asset_id,
        day,
        median(volume_usd) over past_30d as volume_median_30d_usd,
        count(volume_usd) over past_30d as volume_30d_count
    from price
    window past_30d as ({{ last_days(30, 'asset_id') }})
),

-- since when a narrative of the asset has lost its lead and not won it back
fading as (
    select membership.asset_id, membership.day, max(narrative.weakening_day) as weakening_day
    from membership
    inner join narrative
        on membership.narrative_id = narrative.narrative_id
        and membership.day = narrative.day
    where narrative.quadrant_confirmed in ('weakening', 'lagging')
    group by membership.asset_id, membership.day
),

-- a day without a price makes no large asset a small one
weighed as (
    select
        signal.asset_id,
        signal.day,
        market_cap.mcap_usd,
        {{ last_known('market_cap.mcap_usd', days_back(7, 0, 'signal.asset_id', 'signal.day')) }}
        as known_mcap_usd
    from signal
    left join market_cap
        on signal.asset_id = market_cap.asset_id
        and signal.day = market_cap.day
),

joined as (
    select
        signal.asset_id,
        signal.day,
        signal.effective_day,
        signal.signal,
        signal.previous_signal,
        signal_event.event_id as signal_event_id,
        price.close_usd as entry_usd,
        weighed.mcap_usd,
        weighed.known_mcap_usd < plan_config.moonshot_mcap_usd as is_moonshot,
        -- the worse of the two: calm weeks must not hide a wild quarter
        case
            when risk.vol_30d_ann is not null and risk.vol_90d_ann is not null
                then greatest(risk.vol_30d_ann, risk.vol_90d_ann)
        end as vol_ann,
        case
            when volume_window.volume_30d_count >= plan_config.volume_min_obs
                then plan_config.liquidity_frac * volume_window.volume_median_30d_usd
        end as liquidity_cap_usd,
        indicator.atr_14,
        -- the level behind which a plan of that side is given up
        case
            when signal.signal < 0 then indicator.nearest_resistance_usd
            else indicator.nearest_support_usd
        end as nearest_level_usd,
        -- without a signal the plan is that of an entry
        case when signal.signal < 0 then -1 else 1 end as plan_side,
        excursion.excursion_count,
        case
            when signal.signal < 0 then excursion.short_adverse_excursion_atr
            else excursion.long_adverse_excursion_atr
        end as adverse_excursion_atr,
        case
            when signal.signal < 0 then excursion.short_favourable_excursion_atr
            else excursion.long_favourable_excursion_atr
        end as favourable_excursion_atr,
        short_market.is_shortable,
        position.position,
        position.entry_day as position_day,
        position.position_entry_usd,
        position.position_stop_usd,
        position.r_multiple,
        nullif(concat_ws(
            ',',
            case when position.position is not null and signal.signal != signal.previous_signal
                then 'signal_change' end,
            case
                when position.position > 0 and signal.trader_grade < signal_config.exit_long
                    then 'grade'
                when position.position < 0 and signal.trader_grade > signal_config.exit_short
                    then 'grade'
            end,
            case
                when position.position > 0 and fading.weakening_day > position.entry_day
                    then 'narrative'
            end,
            case when position.is_stop_reached then 'stop' end,
            case when position.is_take_profit_1_reached then 'take_profit_1' end,
            case when position.is_take_profit_2_reached then 'take_profit_2' end
        ), '') as exit_reason_candidates
    from signal
    cross join plan_config
    cross join signal_config
    left join position
        on signal.asset_id = position.asset_id
        and signal.day = position.day
    left join fading
        on signal.asset_id = fading.asset_id
        and signal.day = fading.day
    left join signal_event
        on position.asset_id = signal_event.asset_id
        and position.event_day = signal_event.day
    left join price
        on signal.asset_id = price.asset_id
        and signal.day = price.day
    left join risk
        on signal.asset_id = risk.asset_id
        and signal.day = risk.day
    left join indicator
        on signal.asset_id = indicator.asset_id
        and signal.day = indicator.day
    left join excursion
        on signal.asset_id = excursion.asset_id
        and signal.day = excursion.day
    left join short_market
        on signal.asset_id = short_market.asset_id
        and signal.day = short_market.day
    left join weighed
        on signal.asset_id = weighed.asset_id
        and signal.day = weighed.day
    left join volume_window
        on signal.asset_id = volume_window.asset_id
        and signal.day = volume_window.day
),

stopped as (
    select
        joined.*,
        case
            when vol_ann > plan_config.min_stdev
                then least(plan_config.max_weight_frac, plan_config.vol_target_ann / vol_ann)
        end as vol_target_weight,
        joined.entry_usd - joined.plan_side * plan_config.stop_atr * joined.atr_14 as wanted_stop_usd,
        case
            when joined.entry_usd is null then 'no_price'
            when joined.plan_side < 0 and not coalesce(joined.is_shortable, false) then 'no_short_market'
            when joined.atr_14 is null then 'no_range'
            when plan_config.stop_atr * joined.atr_14 <= plan_config.min_stdev * joined.entry_usd
                then 'flat'
            when joined.entry_usd - joined.plan_side * plan_config.stop_atr * joined.atr_14 <= 0
                then 'below_zero'
        end as no_stop_reason,
        plan_config.support_atr,
        plan_config.moonshot_max_frac,
        plan_config.take_profit_1_r,
        plan_config.take_profit_2_r,
        plan_config.risk_at_stop_frac,
        plan_config.max_gross_frac,
        plan_config.version
    from joined
    cross join plan_config
),

planned as (
    select
        *,
        case when no_stop_reason is null then wanted_stop_usd end as stop_price,
        case
            when no_stop_reason is null and adverse_excursion_atr > 0
                then entry_usd - plan_side * adverse_excursion_atr * atr_14
        end as wanted_stop_excursion_usd,
        case
            when no_stop_reason is null and favourable_excursion_atr > 0
                then entry_usd + plan_side * favourable_excursion_atr * atr_14
        end as wanted_take_profit_excursion_usd,
        -- what nobody can weigh is treated as small
        case
            when vol_target_weight is null then null
            when coalesce(is_moonshot, true) then least(vol_target_weight, moonshot_max_frac)
            else vol_target_weight
        end as max_position_frac,
        nearest_level_usd - plan_side * support_atr * atr_14 as level_stop_usd
    from stopped
),

sized as (
    select
        *,
        plan_side * (entry_usd - stop_price) as risk_usd,
        plan_side * (entry_usd - stop_price) / entry_usd as stop_dist_frac,
        case
            when plan_side * (entry_usd - stop_price) > 0 and max_position_frac is not null
                then least(max_position_frac, risk_at_stop_frac * entry_usd / (plan_side * (entry_usd - stop_price)))
        end as size_by_risk_frac
    from planned
),

-- what is wanted of all positions together, and the part of it that the limit allows
scaled as (
    select
        *,
        case
            when signal != 0
                then size_by_risk_frac * least(
                    1,
                    max_gross_frac / nullif({{ inexact(
                        'sum(' ~ exact('case when signal != 0 then size_by_risk_frac end') ~ ') over (partition by day)'
                    ) }}, 0)
                )
        end as size_in_portfolio_frac
    from sized
),

final as (
    select
        scaled.asset_id,
        scaled.day,
        scaled.effective_day,
        cast(scaled.signal as bigint) as signal,
        scaled.signal_event_id,
        scaled.entry_usd,
        scaled.mcap_usd,
        scaled.is_moonshot,
        scaled.vol_target_weight,
        scaled.max_position_frac,
        scaled.liquidity_cap_usd,
        scaled.stop_price,
        case
            when scaled.no_stop_reason is not null then null
            when scaled.plan_side * (scaled.entry_usd - scaled.nearest_level_usd) > 0
                and scaled.plan_side * (scaled.level_stop_usd - scaled.stop_price) > 0
                then scaled.level_stop_usd
            else scaled.stop_price
        end as stop_price_support,
        scaled.no_stop_reason,
        scaled.stop_dist_frac,
        {% for number in [1, 2] %}
            -- a short cannot earn more than the price
            case
                when scaled.entry_usd + scaled.plan_side * scaled.take_profit_{{ number }}_r * scaled.risk_usd > 0
                    then scaled.entry_usd + scaled.plan_side * scaled.take_profit_{{ number }}_r * scaled.risk_usd
            end as take_profit_{{ number }},
        {% endfor %}
        scaled.excursion_count,
        scaled.adverse_excursion_atr,
        scaled.favourable_excursion_atr,
        {% for level in ['stop_excursion_usd', 'take_profit_excursion_usd'] %}
            case when scaled.wanted_{{ level }} > 0 then scaled.wanted_{{ level }} end as {{ level }},
        {% endfor %}
        scaled.size_by_risk_frac,
        scaled.size_in_portfolio_frac,
        cast(scaled.position as bigint) as position,
        scaled.position_day,
        scaled.position_entry_usd,
        scaled.position_stop_usd,
        scaled.r_multiple,
        scaled.exit_reason_candidates,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from scaled
    cross join build_stamp
)

select * from final
order by asset_id, day
