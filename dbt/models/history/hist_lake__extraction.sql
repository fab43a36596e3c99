{{ log_of(['binance', 'coinbase', 'kraken', 'coinmetrics', 'defillama_stablecoins', 'defillama', 'defillama_coins', 'defillama_yields'], 'extraction') }}
