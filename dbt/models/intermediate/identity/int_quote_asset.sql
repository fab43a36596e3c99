-- what prices may be quoted in, and at which stage its own price is known
with curated as (
    select * from {{ ref('cfg_quote') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

overlay_market as (
    select * from {{ ref('stg_curation__market') }}
),

-- a curation folder may bring money of its own
overlay_quote as (
    select distinct overlay_market.quote_asset_id as asset_id
    from overlay_market
    inner join asset on overlay_market.quote_asset_id = asset.asset_id
    where asset.asset_class in ('stablecoin', 'fiat')
),

final as (
    select asset_id, stage, parity_usd from curated

    union all

    select overlay_quote.asset_id, 2 as stage, cast(null as double) as parity_usd
    from overlay_quote
    left join curated on overlay_quote.asset_id = curated.asset_id
    where curated.asset_id is null
)

select * from final
