{{ log_of(['binance', 'coinbase', 'kraken', 'coinmetrics', 'defillama_stablecoins'], 'quarantine') }}
