-- what DefiLlama or the curated list knows as a protocol, and which facts there are about it
with registry as (
    select * from {{ ref('int_protocol_registry') }}
),

growth as (
    select * from {{ ref('int_protocol_growth_daily') }}
),

protocol_yield as (
    select * from {{ ref('int_protocol_yield_daily') }}
    where chain_id = '__total__'
),

flow as (
    select * from {{ ref('int_protocol_flow_daily') }}
),

extent as (
    select
        protocol_id,
        min(day) as first_day,
        max(day) as last_day,
        min(launch_day) as launch_day,
        count(tvl_usd) > 0 as has_tvl,
        count(fees_usd) > 0 as has_fees,
        count(revenue_usd) > 0 as has_revenue,
        count(dex_volume_usd) > 0 as has_volume
    from growth
    where coalesce(tvl_usd, fees_usd, dex_volume_usd) is not null
    group by protocol_id
),

family_with_days as (
    select registry.protocol_id
    from registry
    inner join extent on registry.protocol_id = extent.protocol_id
    where registry.is_family_total
),

holding as (
    select distinct protocol_id from flow
),

paying as (
    select distinct protocol_id from protocol_yield
),

final as (
    select
        registry.protocol_id,
        registry.name,
        registry.symbol,
        registry.protocol_kind,
        registry.family_id,
        registry.category,
        registry.sector,
        registry.token_asset_id,
        registry.listed_day,
        extent.launch_day,
        registry.dead_from,
        registry.gone_from,
        registry.insider_allocation_frac,
        registry.is_family_total,
        registry.is_double_counted or family_with_days.protocol_id is not null as is_double_counted,
        registry.is_curated,
        coalesce(extent.has_tvl, false) as has_tvl,
        coalesce(extent.has_fees, false) as has_fees,
        coalesce(extent.has_revenue, false) as has_revenue,
        coalesce(extent.has_volume, false) as has_volume,
        holding.protocol_id is not null as has_balances,
        paying.protocol_id is not null as has_yields,
        extent.first_day,
        extent.last_day,
        case when extent.protocol_id is null then 'no_source' else 'available' end as source_status,
        registry.note
    from registry
    left join extent on registry.protocol_id = extent.protocol_id
    left join family_with_days on registry.family_id = family_with_days.protocol_id
    left join holding on registry.protocol_id = holding.protocol_id
    left join paying on registry.protocol_id = paying.protocol_id
)

select * from final
order by protocol_id
