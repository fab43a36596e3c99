-- E-01: what sources sent about ids that nobody has mapped: listed with their volume, never dropped
-- in silence. One row per source, id and kind.
with candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

raw_quote_price as (
    select * from {{ ref('int_quote_price_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

stablecoin as (
    select * from {{ ref('stg_defillama_stablecoins__stablecoin') }}
),

coin as (
    select * from {{ ref('stg_coingecko__market') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

candle_usd as (
    select
        candle.*,
        candle.volume_quote * raw_quote_price.price_usd as volume_usd
    from candle
    left join raw_quote_price
        on candle.quote_asset_id = raw_quote_price.asset_id
        and candle.day = raw_quote_price.day
),

unmapped_candle as (
    select
        venue_id as source,
        case
            when base_code is null then 'market'
            when base_asset_id is null then 'base'
            else 'quote'
        end as id_kind,
        case
            when base_code is null then symbol
            when base_asset_id is null then base_code
            else quote_code
        end as source_id,
        day,
        symbol,
        volume_usd
    from candle_usd
    where not is_excluded_market
        and (base_code is null or base_asset_id is null or quote_asset_id is null)
),

final as (
    select
        source,
        id_kind,
        source_id,
        count(*) as row_count,
        count(distinct symbol) as market_count,
        min(day) as first_day,
        max(day) as last_day,
        {{ exact_sum('volume_usd') }} as volume_usd
    from unmapped_candle
    group by source, id_kind, source_id

    union all

    select
        'coinmetrics' as source,
        'asset' as id_kind,
        metric.source_asset_id as source_id,
        count(*) as row_count,
        cast(null as bigint) as market_count,
        min(metric.day) as first_day,
        max(metric.day) as last_day,
        cast(null as double) as volume_usd
    from metric
    left join alias
        on alias.source = 'coinmetrics'
        and metric.source_asset_id = alias.source_id
        and metric.day >= alias.valid_from
        and metric.day < coalesce(alias.valid_to, date '9999-12-31')
    where alias.asset_id is null
    group by metric.source_asset_id

    union all

    select
        'defillama_stablecoins' as source,
        'stablecoin' as id_kind,
        stablecoin.defillama_id as source_id,
        1 as row_count,
        cast(null as bigint) as market_count,
        cast(null as date) as first_day,
        cast(null as date) as last_day,
        -- no volume here: the supply says how much the gap matters
        cast(stablecoin.circulating_usd as double) as volume_usd
    from stablecoin
    left join {{ ref('int_stablecoin_registry') }} as registry
        on stablecoin.defillama_id = registry.defillama_id
    where registry.asset_id is null

    union all

    select
        'coingecko' as source,
        'coin' as id_kind,
        coin.coin_id as source_id,
        count(*) as row_count,
        cast(null as bigint) as market_count,
        min(coin.day) as first_day,
        max(coin.day) as last_day,
        max_by(coin.market_cap_usd, coin.day) as volume_usd
    from coin
    left join alias
        on alias.source = 'coingecko'
        and coin.coin_id = alias.source_id
        and coin.day >= alias.valid_from
        and coin.day < coalesce(alias.valid_to, date '9999-12-31')
    where alias.asset_id is null
    group by coin.coin_id
)

select * from final
