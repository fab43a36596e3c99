{{ config(materialized='view') }}

-- what is watched for new highs (C.4.6, ath)
with price as (
    select * from {{ ref('int_asset_price_daily') }}
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
)

select * from final
