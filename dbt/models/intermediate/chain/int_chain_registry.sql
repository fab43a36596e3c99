-- chains that somebody lists, has listed, curates or tells something of
with alias as (
    select * from {{ ref('int_chain_alias') }}
    where chain_id != '__total__'
),

name_reported as (
    select distinct chain_name from {{ ref('int_chain_name') }}
),

listed as (
    select * from {{ ref('stg_defillama__chain') }}
),

curated as (
    select * from {{ ref('dim_chain_curated') }}
),

coin_alias as (
    select * from {{ ref('int_asset_alias') }}
    where source = 'coingecko' and valid_to is null
),

-- under its newest name, if it had several
described as (
    select
        alias.chain_id,
        listed.chain_name,
        listed.token_symbol,
        listed.gecko_id,
        listed.evm_chain_id,
        max(case when listed.is_listed then 1 else 0 end) over (partition by alias.chain_id) = 1
        as is_listed,
        max(listed.gone_seen_at) over (partition by alias.chain_id) as gone_seen_at
    from listed
    inner join alias on listed.chain_name = alias.chain_name
    qualify row_number() over (
        partition by alias.chain_id
        order by listed.is_listed desc, listed.known_at desc, listed.chain_name
    ) = 1
),

known as (
    select chain_id from curated
    union
    select chain_id from described
    union
    select alias.chain_id
    from name_reported
    inner join alias on name_reported.chain_name = alias.chain_name
),

final as (
    select
        known.chain_id,
        coalesce(curated.name, described.chain_name, known.chain_id) as name,
        curated.chain_kind,
        curated.settles_on_chain_id,
        coalesce(curated.coin_asset_id, coin_alias.asset_id) as coin_asset_id,
        described.token_symbol as coin_symbol,
        described.evm_chain_id,
        curated.operator_exchange_id,
        curated.gas_protocol_id,
        curated.launch_day,
        curated.note,
        curated.chain_id is not null as is_curated,
        coalesce(described.is_listed, false) as is_listed,
        case
            when not described.is_listed then {{ utc_day('described.gone_seen_at') }}
        end as gone_from
    from known
    left join described on known.chain_id = described.chain_id
    left join curated on known.chain_id = curated.chain_id
    left join coin_alias on described.gecko_id = coin_alias.source_id
)

select * from final
