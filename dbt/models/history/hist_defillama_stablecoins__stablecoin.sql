{{ history_of('defillama_stablecoins', 'stablecoins', key=['stablecoin_id']) }}
