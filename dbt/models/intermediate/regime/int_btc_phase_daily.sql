-- what bitcoin is doing: standing still, rising, falling, or changing between them
with indicator as (
    select * from {{ ref('int_technical_daily') }}
    where asset_id = 'bitcoin'
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

windowed as (
    select
        asset_id,
        day,
        close_usd,
        sma_50,
        {{ value_days_ago('sma_50', 10, 'asset_id') }} as sma_50_10_ago,
        max(high_usd) over past_20d as highest_20d_usd,
        min(low_usd) over past_20d as lowest_20d_usd,
        count(case when high_usd is not null and low_usd is not null then 1 end) over past_20d as bar_20d_count,
        count(close_usd) over (
            partition by asset_id order by day rows between unbounded preceding and current row
        ) as close_count
    from indicator
    window past_20d as ({{ last_days(20, 'asset_id') }})
),

ranged as (
    select
        *,
        case
            when bar_20d_count = 20 and close_usd > 0 then (highest_20d_usd - lowest_20d_usd) / close_usd
        end as range_20d_frac
    from windowed
),

final as (
    select
        ranged.day,
        ranged.range_20d_frac,
        case
            when ranged.close_count < regime_config.btc_phase_min_obs
                or ranged.close_usd is null
                or ranged.range_20d_frac is null
                or ranged.sma_50 is null
                or ranged.sma_50_10_ago is null
                then null
            when ranged.range_20d_frac < regime_config.consolidation_max_range_frac then 'consolidation'
            when ranged.close_usd > ranged.sma_50 and ranged.sma_50 > ranged.sma_50_10_ago then 'trend_up'
            when ranged.close_usd < ranged.sma_50 and ranged.sma_50 < ranged.sma_50_10_ago then 'trend_down'
            else 'transition'
        end as btc_phase
    from ranged
    cross join regime_config
)

select * from final
