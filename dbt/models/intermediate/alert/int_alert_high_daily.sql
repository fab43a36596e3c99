{{ config(materialized='view') }}

-- what is watched for new highs (C.4.6, ath)
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

total as (
    select * from {{ ref('int_market_total_daily') }}
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
)

select * from final
