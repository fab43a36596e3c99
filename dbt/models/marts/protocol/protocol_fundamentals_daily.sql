with protocol_day as (
    select * from {{ ref('int_protocol_daily') }}
),

registry as (
    select * from {{ ref('int_protocol_registry') }}
),

-- records are of totals
growth as (
    select *, '__total__' as chain_id from {{ ref('int_protocol_growth_daily') }}
),

protocol_yield as (
    select * from {{ ref('int_protocol_yield_daily') }}
),

protocol_rank as (
    select * from {{ ref('int_protocol_rank_daily') }}
),

-- what a family has a word about stands in its members' rows as well
family_day as (
    select protocol_day.protocol_id, protocol_day.chain_id, protocol_day.day
    from protocol_day
    inner join registry on protocol_day.protocol_id = registry.protocol_id
    where registry.is_family_total
        and coalesce(protocol_day.tvl_usd, protocol_day.fees_usd, protocol_day.dex_volume_usd) is not null
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        protocol_day.protocol_id,
        protocol_day.chain_id,
        protocol_day.day,
        protocol_day.category,
        registry.is_family_total,
        registry.is_double_counted or family_day.protocol_id is not null as is_double_counted,
        protocol_day.tvl_usd,
        protocol_day.fees_usd,
        protocol_day.revenue_usd,
        protocol_day.fees_usd - protocol_day.revenue_usd as supply_side_usd,
        protocol_day.holders_revenue_usd,
        protocol_yield.incentives_usd,
        protocol_day.revenue_usd - protocol_yield.incentives_usd as earnings_usd,
        protocol_day.dex_volume_usd,
        growth.is_fees_ath,
        growth.is_dex_volume_ath as is_volume_ath,
        protocol_yield.apy_base_frac,
        protocol_yield.apy_reward_frac,
        protocol_yield.pool_count,
        protocol_yield.pool_tvl_usd,
        protocol_day.chain_count,
        protocol_day.hhi_chain,
        protocol_rank.tvl_rank as rank_in_chain_category,
        protocol_rank.overtook_protocol_id,
        protocol_day.tvl_reported_usd,
        protocol_day.fees_reported_usd,
        protocol_day.dex_volume_reported_usd,
        protocol_day.is_partial,
        protocol_day.is_quarantined,
        protocol_day.is_carried_forward,
        protocol_day.pit_basis,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from protocol_day
    inner join registry on protocol_day.protocol_id = registry.protocol_id
    left join family_day
        on protocol_day.family_id = family_day.protocol_id
        and protocol_day.chain_id = family_day.chain_id
        and protocol_day.day = family_day.day
    left join growth
        on protocol_day.protocol_id = growth.protocol_id
        and protocol_day.chain_id = growth.chain_id
        and protocol_day.day = growth.day
    left join protocol_yield
        on protocol_day.protocol_id = protocol_yield.protocol_id
        and protocol_day.chain_id = protocol_yield.chain_id
        and protocol_day.day = protocol_yield.day
    left join protocol_rank
        on protocol_day.protocol_id = protocol_rank.protocol_id
        and protocol_day.chain_id = protocol_rank.chain_id
        and protocol_day.day = protocol_rank.day
    cross join build_stamp
)

select * from final
order by protocol_id, chain_id, day
