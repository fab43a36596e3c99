{#- Written by `python -m pipelines.declaring write`. -#}
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
        "gateio",
        "gold",
        "kraken",
        "okx",
    ]) }}
{%- endmacro %}


{#- Spot venues: where their candles and lists of markets are, and how they are read. -#}
{% macro spot_venues() -%}
    {{ return([
        {"name": "binance", "table": "klines", "candle": "kline", "key": ["symbol", "interval", "open_time"], "symbol": "symbol", "names": ["symbol"], "tells": ["volume_quote", "trade_count"], "length": "interval", "day": "1d", "listing": "exchange_symbol", "listed_key": ["symbol"], "listed_symbol": "symbol", "base": "base_asset", "quote": "quote_asset", "is_spot": "true", "is_trading": "status = 'TRADING' and coalesce(is_spot_trading_allowed, true)"},
        {"name": "bitstamp", "table": "ohlc", "candle": "ohlc", "key": ["market_symbol", "step_s", "open_time"], "symbol": "market_symbol", "names": ["market_symbol"], "tells": [], "length": "step_s", "day": 86400, "listing": "market", "listed_key": ["market_symbol"], "listed_symbol": "market_symbol", "base": "base_currency", "quote": "counter_currency", "is_spot": "coalesce(market_type, 'SPOT') = 'SPOT'", "is_trading": "coalesce(trading, 'Enabled') = 'Enabled'"},
        {"name": "bybit", "table": "kline", "candle": "kline", "key": ["category", "symbol", "interval", "open_time"], "symbol": "symbol", "names": ["category", "symbol"], "tells": ["volume_quote"], "length": "interval", "day": "D", "listing": "instrument", "listed_key": ["category", "symbol"], "listed_symbol": "symbol", "base": "base_coin", "quote": "quote_coin", "is_spot": "category = 'spot'", "is_trading": "status = 'Trading'"},
        {"name": "coinbase", "table": "candles", "candle": "candle", "key": ["product_id", "granularity_s", "open_time"], "symbol": "product_id", "names": ["product_id"], "tells": [], "length": "granularity_s", "day": 86400, "listing": "product", "listed_key": ["product_id"], "listed_symbol": "product_id", "base": "base_currency", "quote": "quote_currency", "is_spot": "true", "is_trading": "status = 'online' and not coalesce(trading_disabled, false)"},
        {"name": "gateio", "table": "candlesticks", "candle": "candlestick", "key": ["currency_pair", "interval", "open_time"], "symbol": "currency_pair", "names": ["currency_pair"], "tells": ["volume_quote"], "length": "interval", "day": "1d", "listing": "currency_pair", "listed_key": ["currency_pair"], "listed_symbol": "currency_pair", "base": "base", "quote": "quote", "is_spot": "coalesce(type, 'normal') = 'normal'", "is_trading": "trade_status = 'tradable'"},
        {"name": "kraken", "table": "ohlc", "candle": "ohlc", "key": ["pair", "interval_min", "open_time"], "symbol": "pair", "names": ["pair"], "tells": ["vwap", "trade_count"], "length": "interval_min", "day": 1440, "listing": "asset_pair", "listed_key": ["pair_id"], "listed_symbol": "altname", "base": "coalesce(split_part(wsname, '/', 1), base)", "quote": "coalesce(split_part(wsname, '/', 2), quote)", "is_spot": "true", "is_trading": "coalesce(status, 'online') in ('online', 'limit_only', 'post_only', 'reduce_only')"},
        {"name": "okx", "table": "history_candles", "candle": "candle", "key": ["inst_id", "bar", "open_time"], "symbol": "inst_id", "names": ["inst_id"], "tells": ["volume_quote"], "length": "bar", "day": "1Dutc", "listing": "instrument", "listed_key": ["inst_type", "inst_id"], "listed_symbol": "inst_id", "base": "base_ccy", "quote": "quote_ccy", "is_spot": "inst_type = 'SPOT'", "is_trading": "state = 'live'"},
    ]) }}
{%- endmacro %}


{#- Raw tables about days: where their labels are, and what is said of all their rows. -#}
{% macro dated_tables() -%}
    {{ return([
        {"source": "binance", "table": "klines", "model": "hist_binance__kline", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "interval", "day": "1d"},
        {"source": "binance_futures", "table": "funding_rate", "model": "hist_binance_futures__funding_rate", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "funding_time", "whole": "true", "is_event": true, "is_owed": true},
        {"source": "binance_futures", "table": "open_interest_hist", "model": "hist_binance_futures__open_interest", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "time", "whole": "true", "is_event": false, "is_owed": true, "length": "period", "day": "1d"},
        {"source": "bitstamp", "table": "ohlc", "model": "hist_bitstamp__ohlc", "entity": "market_symbol", "series": "market_symbol", "labelled": "market_symbol", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "step_s", "day": 86400},
        {"source": "blockchain_info", "table": "charts", "model": "hist_blockchain_info__chart", "entity": "chart", "series": "chart", "labelled": "chart", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "bybit", "table": "kline", "model": "hist_bybit__kline", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "interval", "day": "D"},
        {"source": "bybit", "table": "funding_history", "model": "hist_bybit__funding_rate", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "funding_time", "whole": "true", "is_event": true, "is_owed": true},
        {"source": "bybit", "table": "open_interest", "model": "hist_bybit__open_interest", "entity": "symbol", "series": "symbol", "labelled": "symbol", "at": "time", "whole": "true", "is_event": false, "is_owed": true, "length": "interval", "day": "1d"},
        {"source": "coinbase", "table": "candles", "model": "hist_coinbase__candle", "entity": "product_id", "series": "product_id", "labelled": "product_id", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "granularity_s", "day": 86400},
        {"source": "coingecko", "table": "market_chart", "model": "hist_coingecko__market_chart", "entity": "coin_id", "series": "coin_id", "labelled": "coin_id", "at": "label_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "coinmetrics", "table": "asset_metrics", "model": "hist_coinmetrics__asset_metric", "entity": "asset", "series": "asset", "labelled": "metric", "at": "time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "coinmetrics_archive", "table": "asset_metrics", "model": "hist_coinmetrics_archive__asset_metric", "entity": "asset", "series": "asset", "labelled": "metric", "at": "time", "whole": "true", "is_event": false, "is_owed": false},
        {"source": "defillama", "table": "protocol_tvl", "model": "hist_defillama__protocol_tvl", "entity": "slug", "series": "slug", "labelled": "slug", "at": "label_time", "whole": "chain = '__total__'", "is_event": false, "is_owed": true},
        {"source": "defillama", "table": "protocol_tokens", "model": "hist_defillama__protocol_token", "entity": "slug", "series": "slug", "labelled": "slug", "at": "label_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama", "table": "chain_tvl", "model": "hist_defillama__chain_tvl", "entity": "chain", "series": "chain", "labelled": "chain", "at": "label_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama", "table": "protocol_metrics", "model": "hist_defillama__protocol_metric", "entity": "series_id", "series": "series_id", "labelled": "series_id", "at": "day_time", "whole": "chain = '__total__'", "is_event": false, "is_owed": true},
        {"source": "defillama", "table": "chain_metrics", "model": "hist_defillama__chain_metric", "entity": "series_id", "series": "series_id", "labelled": "series_id", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama_coins", "table": "prices", "model": "hist_defillama_coins__price", "entity": "coin", "series": "coin", "labelled": "coin", "at": "label_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama_stablecoins", "table": "balances", "model": "hist_defillama_stablecoins__balance", "entity": "stablecoin_id", "series": "stablecoin_id", "labelled": "stablecoin_id", "at": "day_time", "whole": "chain = '__total__'", "is_event": false, "is_owed": true},
        {"source": "defillama_stablecoins", "table": "prices", "model": "hist_defillama_stablecoins__price", "entity": "'*'", "series": "gecko_id", "labelled": "gecko_id", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama_stablecoins", "table": "charts", "model": "hist_defillama_stablecoins__chart", "entity": "chain", "series": "chain", "labelled": "chain", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "defillama_yields", "table": "pool_chart", "model": "hist_defillama_yields__pool_day", "entity": "pool", "series": "pool", "labelled": "pool", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "ecb", "table": "exchange_rates", "model": "hist_ecb__exchange_rate", "entity": "currency", "series": "currency", "labelled": "currency", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "ethereum", "table": "transfers", "model": "hist_ethereum__transfer", "entity": "token", "series": "token", "labelled": "token", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "gateio", "table": "candlesticks", "model": "hist_gateio__candlestick", "entity": "currency_pair", "series": "currency_pair", "labelled": "currency_pair", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "interval", "day": "1d"},
        {"source": "gold", "table": "prices", "model": "hist_gold__price", "entity": "metal", "series": "metal", "labelled": "metal", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "gold", "table": "currency_rates", "model": "hist_gold__currency_rate", "entity": "currency", "series": "currency", "labelled": "currency", "at": "day_time", "whole": "true", "is_event": false, "is_owed": true},
        {"source": "kraken", "table": "ohlc", "model": "hist_kraken__ohlc", "entity": "pair", "series": "pair", "labelled": "pair", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "interval_min", "day": 1440},
        {"source": "okx", "table": "history_candles", "model": "hist_okx__candle", "entity": "inst_id", "series": "inst_id", "labelled": "inst_id", "at": "open_time", "whole": "true", "is_event": false, "is_owed": true, "length": "bar", "day": "1Dutc"},
        {"source": "okx", "table": "funding_rate_history", "model": "hist_okx__funding_rate", "entity": "inst_id", "series": "inst_id", "labelled": "inst_id", "at": "funding_time", "whole": "true", "is_event": true, "is_owed": true},
    ]) }}
{%- endmacro %}


{#- Raw tables whose source corrects figures later: which, and what rests on them. -#}
{% macro restated_tables() -%}
    {{ return([
        {"source": "binance", "table": "klines", "model": "hist_binance__kline", "key": ["symbol", "interval", "open_time"], "id": ["symbol"], "labelled": "symbol", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "binance", "table": "klines_intraday", "model": "hist_binance__kline_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "bitstamp", "table": "ohlc", "model": "hist_bitstamp__ohlc", "key": ["market_symbol", "step_s", "open_time"], "id": ["market_symbol"], "labelled": "market_symbol", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "bitstamp", "table": "ohlc_intraday", "model": "hist_bitstamp__ohlc_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "blockchain_info", "table": "charts", "model": "hist_blockchain_info__chart", "key": ["chart", "day_time"], "id": ["chart"], "labelled": "chart", "at": "day_time", "measures": [{"column": "value"}], "named_by": "chart", "mart": "network_valuation_daily"},
        {"source": "bybit", "table": "kline", "model": "hist_bybit__kline", "key": ["category", "symbol", "interval", "open_time"], "id": ["category", "symbol"], "labelled": "symbol", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "bybit", "table": "kline_intraday", "model": "hist_bybit__kline_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "coinbase", "table": "candles", "model": "hist_coinbase__candle", "key": ["product_id", "granularity_s", "open_time"], "id": ["product_id"], "labelled": "product_id", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "coinbase", "table": "candles_intraday", "model": "hist_coinbase__candle_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "coingecko", "table": "market_chart", "model": "hist_coingecko__market_chart", "key": ["coin_id", "label_time"], "id": ["coin_id"], "labelled": "coin_id", "at": "label_time", "measures": [{"column": "price_usd", "measure": "price"}, {"column": "market_cap_usd", "measure": "supply"}], "mart": "market_regime_daily"},
        {"source": "coinmetrics", "table": "asset_metrics", "model": "hist_coinmetrics__asset_metric", "key": ["asset", "metric", "time"], "id": ["asset"], "labelled": "metric", "at": "time", "measures": [{"column": "value"}], "named_by": "metric", "mart": "network_valuation_daily"},
        {"source": "coinmetrics_archive", "table": "asset_metrics", "model": "hist_coinmetrics_archive__asset_metric", "key": ["asset", "metric", "time"], "id": ["asset"], "labelled": "metric", "at": "time", "measures": [{"column": "value"}], "named_by": "metric", "mart": "network_valuation_daily"},
        {"source": "defillama", "table": "protocol_tvl", "model": "hist_defillama__protocol_tvl", "key": ["slug", "chain", "label_time"], "id": ["slug", "chain"], "labelled": "slug", "at": "label_time", "measures": [{"column": "tvl_usd", "measure": "tvl"}], "mart": "protocol_fundamentals_daily"},
        {"source": "defillama", "table": "chain_tvl", "model": "hist_defillama__chain_tvl", "key": ["chain", "label_time"], "id": ["chain"], "labelled": "chain", "at": "label_time", "measures": [{"column": "tvl_usd", "measure": "tvl"}], "mart": "chain_daily"},
        {"source": "defillama", "table": "protocol_metrics", "model": "hist_defillama__protocol_metric", "key": ["series_id", "chain", "version", "day_time"], "id": ["series_id", "chain", "version"], "labelled": "series_id", "at": "day_time", "measures": [{"column": "amount_usd", "measure": "flow"}], "mart": "protocol_fundamentals_daily"},
        {"source": "defillama_stablecoins", "table": "balances", "model": "hist_defillama_stablecoins__balance", "key": ["stablecoin_id", "chain", "day_time"], "id": ["stablecoin_id", "chain"], "labelled": "stablecoin_id", "at": "day_time", "measures": [{"column": "circulating", "measure": "supply"}], "mart": "stablecoin_supply_daily"},
        {"source": "defillama_stablecoins", "table": "prices", "model": "hist_defillama_stablecoins__price", "key": ["gecko_id", "day_time"], "id": ["gecko_id"], "labelled": "gecko_id", "at": "day_time", "measures": [{"column": "price", "measure": "price"}], "mart": "stablecoin_peg_daily"},
        {"source": "gateio", "table": "candlesticks", "model": "hist_gateio__candlestick", "key": ["currency_pair", "interval", "open_time"], "id": ["currency_pair"], "labelled": "currency_pair", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "gateio", "table": "candlesticks_intraday", "model": "hist_gateio__candlestick_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "kraken", "table": "ohlc", "model": "hist_kraken__ohlc", "key": ["pair", "interval_min", "open_time"], "id": ["pair"], "labelled": "pair", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "kraken", "table": "ohlc_intraday", "model": "hist_kraken__ohlc_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "okx", "table": "history_candles", "model": "hist_okx__candle", "key": ["inst_id", "bar", "open_time"], "id": ["inst_id"], "labelled": "inst_id", "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
        {"source": "okx", "table": "history_candles_intraday", "model": "hist_okx__candle_intraday", "key": ["series_id", "open_time"], "id": ["series_id", "open_time"], "at": "open_time", "measures": [{"column": "close", "measure": "price"}], "mart": "ohlcv_daily"},
    ]) }}
{%- endmacro %}
