{% set past_30d = days_back(29, 0, 'narrative_id') %}

with narrative as (
    select * from {{ ref('int_narrative_registry') }}
),

calendar as (
    select day, total_mcap_usd from {{ ref('int_market_total_daily') }}
),

member as (
    select * from {{ ref('int_narrative_member_daily') }}
),

price as (
    select asset_id, day, close_usd, volume_usd from {{ ref('int_asset_price_daily') }}
),

market_cap as (
    select asset_id, day, mcap_usd from {{ ref('int_asset_mcap_daily') }}
),

indicator as (
    select asset_id, day, close_usd, sma_50, rsi_14 from {{ ref('int_technical_daily') }}
),

risk as (
    select asset_id, day, drawdown_frac from {{ ref('returns_risk_daily') }}
),

basket as (
    select * from {{ ref('int_narrative_index_daily') }}
),

pair as (
    select * from {{ ref('int_pair_correlation_daily') }}
    where b_kind = 'asset' and corr_30d is not null
),

class_interval as (
    select * from {{ ref('int_asset_class_interval') }}
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

narrative_config as (
    select * from {{ ref('cfg_narrative') }}
    qualify row_number() over (order by version desc) = 1
),

correlation_config as (
    select * from {{ ref('cfg_correlation') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- what is traded, without money and claims: the whole that a narrative's volume is a part of
traded as (
    select price.day, {{ exact_sum('price.volume_usd') }} as market_volume_usd
    from price
    cross join regime_config
    inner join class_interval
        on price.asset_id = class_interval.asset_id
        and price.day >= class_interval.valid_from
        and price.day < coalesce(class_interval.valid_to, date '9999-12-31')
    where {{ in_text_list('class_interval.asset_class', 'regime_config.alt_classes') }}
    group by price.day
),

measured as (
    select
        member.narrative_id,
        member.day,
        count(*) as member_count,
        count(price.close_usd) as priced_member_count,
        case when count(market_cap.mcap_usd) > 0 then {{ exact_sum('market_cap.mcap_usd') }} end as mcap_usd,
        case when count(price.volume_usd) > 0 then {{ exact_sum('price.volume_usd') }} end as volume_usd,
        case
            when count(case when indicator.close_usd is not null then indicator.sma_50 end) >= max(narrative_config.min_members)
                then avg(
                    case
                        when indicator.close_usd > indicator.sma_50 then 1.0
                        when indicator.close_usd is not null and indicator.sma_50 is not null then 0.0
                    end
                )
        end as breadth_above_sma50,
        case
            when count(indicator.rsi_14) >= max(narrative_config.min_members)
                then avg(case
                    when indicator.rsi_14 < narrative_config.oversold_rsi then 1.0
                    when indicator.rsi_14 is not null then 0.0
                end)
        end as pct_oversold_rsi30,
        case
            when count(risk.drawdown_frac) >= max(narrative_config.min_members)
                then median(risk.drawdown_frac)
        end as median_drawdown
    from member
    cross join narrative_config
    left join price
        on member.asset_id = price.asset_id
        and member.day = price.day
    left join market_cap
        on member.asset_id = market_cap.asset_id
        and member.day = market_cap.day
    left join indicator
        on member.asset_id = indicator.asset_id
        and member.day = indicator.day
    left join risk
        on member.asset_id = risk.asset_id
        and member.day = risk.day
    group by member.narrative_id, member.day
),

-- over the pairs of the members as of the day
paired as (
    select
        first_member.narrative_id,
        pair.day,
        case
            when count(distinct pair.a_id) + 1 >= max(correlation_config.min_pair_members)
                then {{ exact_sum('pair.corr_30d') }} / count(*)
        end as mean_pair_corr_30d
    from pair
    cross join correlation_config
    inner join member as first_member
        on pair.a_id = first_member.asset_id
        and pair.day = first_member.day
    inner join member as second_member
        on pair.b_id = second_member.asset_id
        and pair.day = second_member.day
        and first_member.narrative_id = second_member.narrative_id
    group by first_member.narrative_id, pair.day
),

-- how long the narrative's times of leading lasted, as far as they were over by the day
ended as (
    select
        narrative_id,
        day,
        case
            when quadrant is not null
                and quadrant != 'leading'
                and lag(quadrant) over (partition by narrative_id order by day) = 'leading'
                then lag(days_in_quadrant) over (partition by narrative_id order by day)
        end as led_d
    from basket
    where quadrant is not null
),

leadership as (
    select
        narrative_id,
        day,
        cast(median(led_d) over (
            partition by narrative_id order by day rows between unbounded preceding and current row
        ) as double) as leadership_half_life_d
    from ended
),

joined as (
    select
        narrative.narrative_id,
        calendar.day,
        measured.member_count,
        measured.priced_member_count,
        measured.mcap_usd,
        measured.mcap_usd / calendar.total_mcap_usd as narrative_share_frac,
        measured.volume_usd,
        case when traded.market_volume_usd > 0 then measured.volume_usd / traded.market_volume_usd end
        as volume_share_frac,
        case when measured.volume_usd > 0 then ln(measured.volume_usd) end as log_volume,
        measured.breadth_above_sma50,
        measured.pct_oversold_rsi30,
        measured.median_drawdown,
        basket.member_count as basket_member_count,
        basket.missing_count as basket_missing_count,
        basket.largest_weight,
        basket.basket_ret as basket_ret_1d,
        basket.index_level as basket_index,
        basket.rs_ratio,
        basket.rs_momentum,
        basket.quadrant,
        basket.quadrant_confirmed,
        basket.days_in_quadrant,
        paired.mean_pair_corr_30d,
        leadership.leadership_half_life_d
    from narrative
    cross join calendar
    left join measured
        on narrative.narrative_id = measured.narrative_id
        and calendar.day = measured.day
    left join traded on calendar.day = traded.day
    left join basket
        on narrative.narrative_id = basket.narrative_id
        and calendar.day = basket.day
    left join paired
        on narrative.narrative_id = paired.narrative_id
        and calendar.day = paired.day
    left join leadership
        on narrative.narrative_id = leadership.narrative_id
        and calendar.day = leadership.day
),

windowed as (
    select
        *,
        avg(log_volume) over before_30d as log_volume_mean,
        stddev_samp(log_volume) over before_30d as log_volume_sd,
        count(log_volume) over before_30d as log_volume_count,
        avg(volume_share_frac) over past_7d as share_7d,
        avg(volume_share_frac) over past_30d as share_30d,
        count(volume_share_frac) over past_30d as share_30d_count,
        max(basket_index) over past_30d as highest_30d_index,
        count(basket_index) over past_30d as index_30d_count,
        {{ value_days_ago('narrative_share_frac', 30, 'narrative_id') }} as share_30_ago,
        case
            when rs_ratio is not null
                -- rounded: what differs in its last bits alone is a tie
                then row_number() over (
                    partition by day, rs_ratio is not null
                    order by
                        round(rs_ratio, 9) desc, round(rs_momentum, 9) desc nulls last, narrative_id
                )
        end as narrative_rank
    from joined
    window
        before_30d as ({{ days_back(30, 1, 'narrative_id') }}),
        past_7d as ({{ last_days(7, 'narrative_id') }}),
        past_30d as ({{ past_30d }})
),

final as (
    select
        windowed.narrative_id,
        windowed.day,
        coalesce(windowed.member_count, 0) as member_count,
        coalesce(windowed.priced_member_count, 0) as priced_member_count,
        cast(windowed.basket_member_count as bigint) as basket_member_count,
        windowed.basket_missing_count > 0 as is_redistributed,
        windowed.largest_weight,
        windowed.basket_ret_1d,
        windowed.basket_index,
        windowed.rs_ratio,
        windowed.rs_momentum,
        windowed.quadrant,
        windowed.quadrant_confirmed,
        cast(windowed.days_in_quadrant as bigint) as days_in_quadrant,
        windowed.leadership_half_life_d,
        windowed.narrative_rank,
        {{ value_days_ago('windowed.narrative_rank', 28, 'windowed.narrative_id') }} - windowed.narrative_rank
        as rank_change_28d,
        windowed.mcap_usd,
        windowed.narrative_share_frac,
        windowed.narrative_share_frac - windowed.share_30_ago as narrative_share_change_30d,
        windowed.volume_usd,
        windowed.volume_share_frac,
        case
            when windowed.log_volume_count >= narrative_config.volume_z_min_obs
                and windowed.log_volume_sd >= narrative_config.sd_floor
                then (windowed.log_volume - windowed.log_volume_mean) / windowed.log_volume_sd
        end as volume_z_30d,
        case
            when windowed.share_30d_count >= narrative_config.fade_min_obs
                and windowed.index_30d_count >= narrative_config.fade_min_obs
                and windowed.basket_index is not null
                and windowed.share_7d is not null
                then windowed.share_7d <= narrative_config.fade_share_ratio * windowed.share_30d
                    and 1 - windowed.basket_index / windowed.highest_30d_index
                    < narrative_config.fade_max_drawdown_frac
        end as volume_fade_flag,
        windowed.mean_pair_corr_30d,
        windowed.breadth_above_sma50,
        windowed.pct_oversold_rsi30,
        windowed.median_drawdown,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from windowed
    cross join narrative_config
    cross join build_stamp
)

select * from final
order by narrative_id, day
