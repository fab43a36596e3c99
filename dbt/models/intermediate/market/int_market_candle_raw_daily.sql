{{ config(materialized='view') }}

-- one shape for all venues; amounts as floating point from here on
with binance as (
    select * from {{ ref('stg_binance__kline') }}
),

coinbase as (
    select * from {{ ref('stg_coinbase__candle') }}
),

kraken as (
    select * from {{ ref('stg_kraken__ohlc') }}
),

okx as (
    select * from {{ ref('stg_okx__candle') }}
),

bybit as (
    select * from {{ ref('stg_bybit__kline') }}
),

bitstamp as (
    select * from {{ ref('stg_bitstamp__ohlc') }}
),

final as (
    select
        'binance' as venue_id,
        symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(null as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(volume_quote as double) as volume_quote,
        trade_count,
        known_at,
        first_known_at
    from binance

    union all

    select
        'coinbase' as venue_id,
        product_id as symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(null as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(null as double) as volume_quote,
        cast(null as bigint) as trade_count,
        known_at,
        first_known_at
    from coinbase

    union all

    select
        'kraken' as venue_id,
        pair as symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(vwap_quote as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(null as double) as volume_quote,
        trade_count,
        known_at,
        first_known_at
    from kraken

    union all

    select
        'okx' as venue_id,
        inst_id as symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(null as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(volume_quote as double) as volume_quote,
        cast(null as bigint) as trade_count,
        known_at,
        first_known_at
    from okx

    union all

    select
        'bybit' as venue_id,
        symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(null as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(volume_quote as double) as volume_quote,
        cast(null as bigint) as trade_count,
        known_at,
        first_known_at
    from bybit

    union all

    select
        'bitstamp' as venue_id,
        market_symbol as symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(null as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(null as double) as volume_quote,
        cast(null as bigint) as trade_count,
        known_at,
        first_known_at
    from bitstamp
)

select * from final
