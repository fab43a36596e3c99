-- yields of a protocol's pools, weighted by what lies in them, base and reward apart
with pool_by_slug as (
    {{ by_chain(ref('stg_defillama_yields__pool'), ['pool_id']) }}
),

pool as (
    {{ by_protocol('pool_by_slug', ['pool_id']) }}
),

pool_day as (
    select * from {{ ref('stg_defillama_yields__pool_day') }}
),

protocol_interval as (
    select * from {{ ref('int_protocol_interval') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

-- the whole is base and reward: the part that is not printed is what is left
split as (
    select
        pool.protocol_id,
        protocol_interval.family_id,
        pool.chain_id,
        pool_day.day,
        pool_day.tvl_usd,
        coalesce(pool_day.apy_base_frac, pool_day.apy_frac - pool_day.apy_reward_frac)
        as apy_base_frac,
        coalesce(pool_day.apy_reward_frac, pool_day.apy_frac - pool_day.apy_base_frac)
        as apy_reward_frac
    from pool_day
    inner join pool on pool_day.pool_id = pool.pool_id
    left join protocol_interval
        on pool.protocol_id = protocol_interval.protocol_id
        and pool_day.day >= protocol_interval.valid_from
        and pool_day.day < protocol_interval.valid_to
    cross join defi_config
    where pool_day.tvl_usd > 0
        and coalesce(abs(pool_day.apy_frac), 0) <= defi_config.apy_max_frac
        and coalesce(abs(pool_day.apy_base_frac), 0) <= defi_config.apy_max_frac
        and coalesce(abs(pool_day.apy_reward_frac), 0) <= defi_config.apy_max_frac
),

-- each pool speaks for its protocol and its family, on its chain and in total
spoken as (
    select protocol_id, chain_id, day, tvl_usd, apy_base_frac, apy_reward_frac
    from split
    union all
    select protocol_id, '__total__' as chain_id, day, tvl_usd, apy_base_frac, apy_reward_frac
    from split
    union all
    select family_id as protocol_id, chain_id, day, tvl_usd, apy_base_frac, apy_reward_frac
    from split
    where family_id is not null
    union all
    select
        family_id as protocol_id,
        '__total__' as chain_id,
        day,
        tvl_usd,
        apy_base_frac,
        apy_reward_frac
    from split
    where family_id is not null
),

summed as (
    select
        protocol_id,
        chain_id,
        day,
        count(*) as pool_count,
        {{ exact_sum('tvl_usd') }} as pool_tvl_usd,
        {{ exact_sum('case when apy_base_frac is not null then tvl_usd end') }} as base_tvl_usd,
        {{ exact_sum('tvl_usd * apy_base_frac') }} as base_paid_usd,
        {{ exact_sum('case when apy_reward_frac is not null then tvl_usd end') }} as reward_tvl_usd,
        {{ exact_sum('tvl_usd * apy_reward_frac') }} as reward_paid_usd
    from spoken
    group by protocol_id, chain_id, day
),

final as (
    select
        protocol_id,
        chain_id,
        day,
        pool_count,
        pool_tvl_usd,
        case when base_tvl_usd > 0 then base_paid_usd / base_tvl_usd end as apy_base_frac,
        case when reward_tvl_usd > 0 then reward_paid_usd / reward_tvl_usd end as apy_reward_frac,
        reward_paid_usd / 365 as incentives_usd
    from summed
)

select * from final
