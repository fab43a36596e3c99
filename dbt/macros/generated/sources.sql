{#- Written by `python -m pipelines.sources write`. -#}
{#- Every source, by name. -#}
{% macro all_sources() -%}
    {{ return([
        "binance",
        "binance_futures",
        "bitstamp",
        "blockchain_info",
        "bybit",
        "coinbase",
        "coingecko",
        "coinmetrics",
        "coinmetrics_archive",
        "defillama",
        "defillama_coins",
        "defillama_stablecoins",
        "defillama_yields",
        "ecb",
        "ethereum",
        "gold",
        "kraken",
        "okx",
    ]) }}
{%- endmacro %}


{#- Spot venues: where their candles and lists of markets are, and what these say. -#}
{% macro spot_venues() -%}
    {{ return([
        {"name": "binance", "table": "klines", "candle": "kline", "key": ["symbol", "interval", "open_time"], "symbol": "symbol", "names": ["symbol"], "tells": ["volume_quote", "trade_count"], "listing": "exchange_symbol", "listed_symbol": "symbol"},
        {"name": "bitstamp", "table": "ohlc", "candle": "ohlc", "key": ["market_symbol", "step_s", "open_time"], "symbol": "market_symbol", "names": ["market_symbol"], "tells": [], "listing": "market", "listed_symbol": "market_symbol"},
        {"name": "bybit", "table": "kline", "candle": "kline", "key": ["category", "symbol", "interval", "open_time"], "symbol": "symbol", "names": ["category", "symbol"], "tells": ["volume_quote"], "listing": "instrument", "listed_symbol": "symbol"},
        {"name": "coinbase", "table": "candles", "candle": "candle", "key": ["product_id", "granularity_s", "open_time"], "symbol": "product_id", "names": ["product_id"], "tells": [], "listing": "product", "listed_symbol": "product_id"},
        {"name": "kraken", "table": "ohlc", "candle": "ohlc", "key": ["pair", "interval_min", "open_time"], "symbol": "pair", "names": ["pair"], "tells": ["vwap_quote", "trade_count"], "listing": "asset_pair", "listed_symbol": "altname"},
        {"name": "okx", "table": "history_candles", "candle": "candle", "key": ["inst_id", "bar", "open_time"], "symbol": "inst_id", "names": ["inst_id"], "tells": ["volume_quote"], "listing": "instrument", "listed_symbol": "inst_id"},
    ]) }}
{%- endmacro %}
