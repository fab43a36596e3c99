{{ log_of([
    'binance', 'coinbase', 'kraken', 'okx', 'bybit', 'bitstamp', 'binance_futures',
    'coinmetrics', 'defillama_stablecoins', 'defillama', 'defillama_coins',
    'defillama_yields', 'coingecko', 'coinmetrics_archive', 'blockchain_info', 'ethereum',
    'ecb', 'gold'
], 'extraction') }}
