{{ history_of('coingecko', 'markets', key=['coin_id']) }}
