-- what others say an asset was worth: for comparison, and for money that no market prices
with metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
    where metric in ('PriceUSD', 'ReferenceRateUSD') and value > 0
),

stablecoin_price as (
    select * from {{ ref('stg_defillama_stablecoins__price') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

described as (
    select
        alias.asset_id,
        metric.day,
        cast(metric.value as double) as price_usd,
        'coinmetrics.' || metric.metric as price_source,
        case metric.metric when 'PriceUSD' then 1 else 2 end as preference,
        metric.source_asset_id as source_id,
        metric.first_known_at
    from metric
    inner join alias
        on alias.source = 'coinmetrics'
        and metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')

    union all

    select
        alias.asset_id,
        stablecoin_price.day,
        cast(stablecoin_price.price_usd as double) as price_usd,
        'defillama_stablecoins' as price_source,
        3 as preference,
        stablecoin_price.gecko_id as source_id,
        stablecoin_price.first_known_at
    from stablecoin_price
    inner join alias
        on alias.source = 'coingecko'
        and stablecoin_price.gecko_id = alias.source_id
        and stablecoin_price.day >= alias.valid_from
        and stablecoin_price.day < coalesce(alias.valid_to, date '9999-12-31')
),

final as (
    select asset_id, day, price_usd, price_source, first_known_at
    from described
    qualify row_number() over (
        partition by asset_id, day
        order by preference, source_id
    ) = 1
)

select * from final
