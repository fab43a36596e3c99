with total as (
    select * from {{ ref('int_market_total_daily') }}
),

altseason as (
    select * from {{ ref('int_altseason_daily') }}
),

breadth as (
    select * from {{ ref('int_market_breadth_daily') }}
),

phase as (
    select * from {{ ref('int_btc_phase_daily') }}
),

regime as (
    select * from {{ ref('int_market_regime_daily') }}
),

bucket_return as (
    select * from {{ ref('int_cap_bucket_daily') }}
    where ret_30d is not null
),

venue_price as (
    select * from {{ ref('int_venue_price_daily') }}
    where is_accepted and volume_usd > 0
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- the slope of the month's returns along the risk curve, from bitcoin (1) to small caps (4)
bucket_step as (
    select
        *,
        case bucket when 'btc' then 1 when 'large' then 2 when 'mid' then 3 when 'small' then 4 end as step
    from bucket_return
),

risk_curve as (
    select
        bucket_step.day,
        {% for bucket in ['btc', 'large', 'mid', 'small'] %}
            max(case when bucket_step.bucket = '{{ bucket }}' then bucket_step.ret_30d end) as ret_30d_{{ bucket }},
        {% endfor %}
        -- least squares; the sums do not depend on the order of the rows
        case
            when count(*) >= max(regime_config.slope_min_buckets)
                then (
                    count(*) * {{ exact_sum('1e9 * bucket_step.step * bucket_step.ret_30d') }}
                    - sum(bucket_step.step) * {{ exact_sum('1e9 * bucket_step.ret_30d') }}
                )
                / (count(*) * sum(bucket_step.step * bucket_step.step) - power(sum(bucket_step.step), 2))
                / 1e9
        end as risk_curve_slope
    from bucket_step
    cross join regime_config
    group by bucket_step.day
),

-- shares of venues in what the canonical price rests on
venue_volume as (
    select day, venue_id, {{ exact_sum('volume_usd') }} as volume_usd
    from venue_price
    group by day, venue_id
),

venue_share as (
    select
        day,
        volume_usd / ({{ inexact('sum(' ~ exact('volume_usd') ~ ') over (partition by day)') }}) as share_frac
    from venue_volume
),

concentration as (
    select
        venue_share.day,
        count(*) as market_venue_count,
        case
            when count(*) >= max(regime_config.hhi_min_venues)
                then {{ exact_sum('1e9 * venue_share.share_frac * venue_share.share_frac') }} / 1e9
        end as venue_hhi
    from venue_share
    cross join regime_config
    group by venue_share.day
),

final as (
    select
        total.day,
        total.asset_count,
        total.total_mcap_usd,
        total.total_mcap_1_usd,
        total.total_mcap_ath_usd,
        total.total_mcap_usd / total.total_mcap_ath_usd - 1 as total_mcap_drawdown_frac,
        total.total_mcap_sma_200_usd,
        total.mcap_price_effect_1d_usd,
        total.mcap_issuance_effect_1d_usd,
        total.mcap_coverage_effect_1d_usd,
        total.market_ret_1d,
        total.market_index,
        total.btc_mcap_usd / total.total_mcap_usd as btc_dominance_frac,
        case
            when total.total_mcap_usd > total.stablecoin_mcap_usd
                then total.btc_mcap_usd / (total.total_mcap_usd - total.stablecoin_mcap_usd)
        end as btc_dominance_ex_stable_frac,
        total.eth_mcap_usd / total.total_mcap_usd as eth_dominance_frac,
        total.alt_share_frac,
        total.stablecoin_mcap_usd / total.total_mcap_usd as stablecoin_share_frac,
        (total.total_mcap_usd - total.btc_mcap_usd - total.alt_mcap_usd - total.stablecoin_mcap_usd)
        / total.total_mcap_usd as asset_backed_share_frac,
        total.alt_share_frac - total.alt_share_30_frac as alt_share_change_30d,
        regime.rotation_phase,
        altseason.altseason_index,
        altseason.altseason_member_count,
        altseason.altseason_index_pit,
        altseason.altseason_pit_member_count,
        case
            when altseason.altseason_index >= regime_config.altcoin_season_floor then 'altcoin'
            when altseason.altseason_index <= regime_config.bitcoin_season_ceiling then 'bitcoin'
            when altseason.altseason_index is not null then 'neutral'
        end as season_label,
        risk_curve.ret_30d_btc,
        risk_curve.ret_30d_large,
        risk_curve.ret_30d_mid,
        risk_curve.ret_30d_small,
        risk_curve.risk_curve_slope,
        phase.btc_phase,
        phase.range_20d_frac as btc_range_20d_frac,
        regime.regime,
        breadth.universe_count,
        breadth.breadth_above_sma50,
        breadth.adv_dec,
        breadth.pct_new_high_90d,
        breadth.pct_grade_high,
        concentration.market_venue_count,
        concentration.venue_hhi,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from total
    cross join regime_config
    cross join build_stamp
    left join altseason on total.day = altseason.day
    left join breadth on total.day = breadth.day
    left join phase on total.day = phase.day
    left join regime on total.day = regime.day
    left join risk_curve on total.day = risk_curve.day
    left join concentration on total.day = concentration.day
)

select * from final
order by day
