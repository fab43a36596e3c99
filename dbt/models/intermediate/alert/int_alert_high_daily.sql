{{ config(materialized='replaced_view') }}

-- what is watched for new highs (ath)
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

total as (
    select * from {{ ref('int_market_total_daily') }}
),

protocol_growth as (
    select * from {{ ref('int_protocol_growth_daily') }}
),

-- a family speaks for its members
protocol as (
    select registry.protocol_id
    from {{ ref('int_protocol_registry') }} as registry
    left join (select distinct protocol_id from protocol_growth) as family
        on registry.family_id = family.protocol_id
    where family.protocol_id is null
),

final as (
    select
        'asset' as entity_kind,
        asset_id as entity_id,
        'volume_usd' as ref_id,
        day,
        volume_usd as alert_value
    from price
    where volume_usd is not null

    union all

    select
        'market' as entity_kind,
        'market' as entity_id,
        'total_mcap_usd' as ref_id,
        day,
        total_mcap_usd as alert_value
    from total
    where total_mcap_usd is not null

    union all

    select
        'protocol' as entity_kind,
        protocol_growth.protocol_id as entity_id,
        'fees_usd' as ref_id,
        protocol_growth.day,
        protocol_growth.fees_usd as alert_value
    from protocol_growth
    inner join protocol on protocol_growth.protocol_id = protocol.protocol_id
    where protocol_growth.fees_usd is not null

    union all

    select
        'protocol' as entity_kind,
        protocol_growth.protocol_id as entity_id,
        'dex_volume_usd' as ref_id,
        protocol_growth.day,
        protocol_growth.dex_volume_usd as alert_value
    from protocol_growth
    inner join protocol on protocol_growth.protocol_id = protocol.protocol_id
    where protocol_growth.dex_volume_usd is not null
)

select * from final
