-- which days of which series are landed, for the raw tables that owe a row a day
with candle as (
    select * from {{ ref('int_market_candle_raw_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

balance as (
    select * from {{ ref('stg_defillama_stablecoins__balance') }}
    where chain = '__total__'
),

chain_tvl as (
    select * from {{ ref('stg_defillama__chain_tvl') }}
),

coin_price as (
    select * from {{ ref('stg_defillama_coins__price') }}
),

chart as (
    select * from {{ ref('stg_coingecko__market_chart') }}
),

pool_day as (
    select * from {{ ref('stg_defillama_yields__pool_day') }}
),

final as (
    select
        venue_id as source,
        case venue_id
            when 'binance' then 'klines'
            when 'coinbase' then 'candles'
            when 'kraken' then 'ohlc'
            when 'okx' then 'history_candles'
            when 'bybit' then 'kline'
            when 'bitstamp' then 'ohlc'
        end as table_name,
        symbol as entity_id,
        day
    from candle

    union all

    select distinct 'coinmetrics' as source, 'asset_metrics' as table_name, source_asset_id as entity_id, day
    from metric

    union all

    select 'defillama_stablecoins' as source, 'balances' as table_name, defillama_id as entity_id, day
    from balance

    union all

    select 'defillama' as source, 'chain_tvl' as table_name, chain_id as entity_id, day
    from chain_tvl

    union all

    select 'defillama_coins' as source, 'prices' as table_name, 'coingecko:' || gecko_id as entity_id, day
    from coin_price

    union all

    select 'coingecko' as source, 'market_chart' as table_name, coin_id as entity_id, day
    from chart

    union all

    select 'defillama_yields' as source, 'pool_chart' as table_name, pool_id as entity_id, day
    from pool_day
)

select * from final
