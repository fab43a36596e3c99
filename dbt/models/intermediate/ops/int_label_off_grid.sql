-- rows in the lake, of tables of days, whose label begins no day: staging has no day for them, and the
-- gate tells them. What was taken back since is not counted.
{%- set tables = [
    ('binance', 'klines', ref('hist_binance__kline'), 'symbol', 'open_time', "\"interval\" = '1d'"),
    ('coinbase', 'candles', ref('hist_coinbase__candle'), 'product_id', 'open_time', "granularity_s = 86400"),
    ('kraken', 'ohlc', ref('hist_kraken__ohlc'), 'pair', 'open_time', "interval_min = 1440"),
    ('okx', 'history_candles', ref('hist_okx__candle'), 'inst_id', 'open_time', "bar = '1Dutc'"),
    ('bybit', 'kline', ref('hist_bybit__kline'), 'symbol', 'open_time', "\"interval\" = 'D'"),
    ('bitstamp', 'ohlc', ref('hist_bitstamp__ohlc'), 'market_symbol', 'open_time', "step_s = 86400"),
    ('binance_futures', 'open_interest_hist', ref('hist_binance_futures__open_interest'), 'symbol', '"time"', "period = '1d'"),
    ('bybit', 'open_interest', ref('hist_bybit__open_interest'), 'symbol', '"time"', "\"interval\" = '1d'"),
    ('coinmetrics', 'asset_metrics', ref('hist_coinmetrics__asset_metric'), 'asset', '"time"', 'true'),
    ('coinmetrics_archive', 'asset_metrics', ref('hist_coinmetrics_archive__asset_metric'), 'asset', '"time"', 'true'),
    ('blockchain_info', 'charts', ref('hist_blockchain_info__chart'), 'chart', 'day_time', 'true'),
    ('ethereum', 'transfers', ref('hist_ethereum__transfer'), 'token', 'day_time', 'true'),
    ('defillama_stablecoins', 'balances', ref('hist_defillama_stablecoins__balance'), 'stablecoin_id', 'day_time', 'true'),
    ('defillama_stablecoins', 'prices', ref('hist_defillama_stablecoins__price'), 'gecko_id', 'day_time', 'true'),
    ('defillama_stablecoins', 'charts', ref('hist_defillama_stablecoins__chart'), 'chain', 'day_time', 'true'),
    ('defillama', 'protocol_tvl', ref('hist_defillama__protocol_tvl'), 'slug', 'label_time', 'true'),
    ('defillama', 'protocol_tokens', ref('hist_defillama__protocol_token'), 'slug', 'label_time', 'true'),
    ('defillama', 'chain_tvl', ref('hist_defillama__chain_tvl'), 'chain', 'label_time', 'true'),
    ('defillama', 'protocol_metrics', ref('hist_defillama__protocol_metric'), 'series_id', 'day_time', 'true'),
    ('defillama', 'chain_metrics', ref('hist_defillama__chain_metric'), 'series_id', 'day_time', 'true'),
    ('defillama_coins', 'prices', ref('hist_defillama_coins__price'), 'coin', 'label_time', 'true'),
    ('defillama_yields', 'pool_chart', ref('hist_defillama_yields__pool_day'), 'pool', 'day_time', 'true'),
    ('coingecko', 'market_chart', ref('hist_coingecko__market_chart'), 'coin_id', 'label_time', 'true'),
    ('ecb', 'exchange_rates', ref('hist_ecb__exchange_rate'), 'currency', 'day_time', 'true'),
    ('gold', 'prices', ref('hist_gold__price'), 'metal', 'day_time', 'true'),
    ('gold', 'currency_rates', ref('hist_gold__currency_rate'), 'currency', 'day_time', 'true'),
] %}

with final as (
    {% for source_name, table_name, relation, entity, at, daily in tables %}
        select
            '{{ source_name }}' as source,
            '{{ table_name }}' as table_name,
            {{ entity }} as entity_id,
            {{ at }} as label_at
        from {{ relation }}
        where
            {{ is_known() }} and {{ daily }}
            and {{ at }} != {{ day_start(utc_day(at)) }}
        group by {{ entity }}, {{ at }}
        having not max_by(is_deleted, known_at)
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from final
