-- C.8: how much to hold and where to leave, decided at the end of the day, in force from the next
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
    select asset_id, day, atr_14, nearest_support_usd from {{ ref('technical_daily') }}
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

-- A-57: since when a narrative of the asset has lost its lead and not won it back
fading as (
    select membership.asset_id, membership.day, max(narrative.weakening_day) as weakening_day
    from membership
    inner join narrative
        on membership.narrative_id = narrative.narrative_id
        and membership.day = narrative.day
    where narrative.quadrant_confirmed in ('weakening', 'lagging')
    group by membership.asset_id, membership.day
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
        market_cap.mcap_usd,
        market_cap.mcap_usd < plan_config.moonshot_mcap_usd as is_moonshot,
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
        indicator.nearest_support_usd,
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
    left join market_cap
        on signal.asset_id = market_cap.asset_id
        and signal.day = market_cap.day
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
        case
            when atr_14 > 0 and entry_usd - plan_config.stop_atr * atr_14 > 0
                then entry_usd - plan_config.stop_atr * atr_14
        end as stop_price,
        plan_config.support_atr,
        plan_config.moonshot_max_frac,
        plan_config.take_profit_1_r,
        plan_config.take_profit_2_r,
        plan_config.risk_at_stop_frac,
        plan_config.version
    from joined
    cross join plan_config
),

sized as (
    select
        *,
        (entry_usd - stop_price) / entry_usd as stop_dist_frac,
        -- what nobody can weigh is treated as small
        case
            when coalesce(is_moonshot, true) then least(vol_target_weight, moonshot_max_frac)
            else vol_target_weight
        end as max_position_frac
    from stopped
),

final as (
    select
        sized.asset_id,
        sized.day,
        sized.effective_day,
        cast(sized.signal as bigint) as signal,
        sized.signal_event_id,
        sized.entry_usd,
        sized.mcap_usd,
        sized.is_moonshot,
        sized.vol_target_weight,
        case
            when sized.vol_target_weight is not null then sized.max_position_frac
        end as max_position_frac,
        sized.liquidity_cap_usd,
        sized.stop_price,
        case
            when sized.nearest_support_usd < sized.entry_usd
                and sized.nearest_support_usd - sized.support_atr * sized.atr_14 > 0
                then greatest(
                    sized.stop_price, sized.nearest_support_usd - sized.support_atr * sized.atr_14
                )
            else sized.stop_price
        end as stop_price_support,
        sized.stop_dist_frac,
        sized.entry_usd + sized.take_profit_1_r * (sized.entry_usd - sized.stop_price)
        as take_profit_1,
        sized.entry_usd + sized.take_profit_2_r * (sized.entry_usd - sized.stop_price)
        as take_profit_2,
        case
            when sized.vol_target_weight is not null and sized.stop_dist_frac > 0
                then least(sized.max_position_frac, sized.risk_at_stop_frac / sized.stop_dist_frac)
        end as size_by_risk_frac,
        cast(sized.position as bigint) as position,
        sized.position_day,
        sized.position_entry_usd,
        sized.position_stop_usd,
        sized.r_multiple,
        sized.exit_reason_candidates,
        build_stamp.as_of_ts,
        build_stamp.model_version || ' plan.' || sized.version as model_version
    from sized
    cross join build_stamp
)

select * from final
order by asset_id, day
