with registry as (
    select * from {{ ref('int_chain_registry') }}
),

chain_day as (
    select * from {{ ref('int_chain_daily') }}
),

extent as (
    select chain_id, min(day) as first_day, max(day) as last_day
    from chain_day
    where coalesce(tvl_usd, app_fees_usd, app_revenue_usd, dex_volume_usd) is not null
    group by chain_id
),

final as (
    select
        registry.chain_id,
        registry.name,
        registry.chain_kind,
        registry.settles_on_chain_id,
        registry.coin_asset_id,
        registry.coin_symbol,
        registry.evm_chain_id,
        registry.operator_exchange_id,
        registry.gas_protocol_id,
        registry.launch_day,
        registry.is_curated,
        registry.gone_from,
        extent.first_day,
        extent.last_day,
        case when extent.chain_id is null then 'no_source' else 'available' end as source_status,
        registry.note
    from registry
    left join extent on registry.chain_id = extent.chain_id
)

select * from final
order by chain_id
