-- chains that somebody lists or curates, under DefiLlama's names
with listed as (
    select * from {{ ref('stg_defillama__chain') }}
),

curated as (
    select * from {{ ref('dim_chain_curated') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coingecko' and valid_to is null
),

final as (
    select
        coalesce(curated.chain_id, listed.chain_id) as chain_id,
        coalesce(curated.name, listed.chain_id) as name,
        curated.chain_kind,
        curated.settles_on_chain_id,
        coalesce(curated.coin_asset_id, alias.asset_id) as coin_asset_id,
        listed.token_symbol as coin_symbol,
        listed.evm_chain_id,
        curated.operator_exchange_id,
        curated.gas_protocol_id,
        curated.launch_day,
        curated.note,
        curated.chain_id is not null as is_curated,
        listed.chain_id is not null as is_listed
    from listed
    full outer join curated on listed.chain_id = curated.chain_id
    left join alias on listed.gecko_id = alias.source_id
)

select * from final
