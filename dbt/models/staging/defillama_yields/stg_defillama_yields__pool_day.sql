with pool_day as (
    {{ latest_version(ref('hist_defillama_yields__pool_day'), ['pool', 'day_time']) }}
),

dated as (
    {{ dated('pool_day', 'day_time', 'defillama_yields', 'pool_chart', series='pool') }}
),

final as (
    select
        pool as pool_id,
        day,
        cast(tvl_usd as double) as tvl_usd,
        -- percents a year, as sent; 1 is 100 %
        cast(apy_pct as double) / 100 as apy_frac,
        cast(apy_base_pct as double) / 100 as apy_base_frac,
        cast(apy_reward_pct as double) / 100 as apy_reward_frac,
        known_at,
        first_known_at
    from dated
)

select * from final
