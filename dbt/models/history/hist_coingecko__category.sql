{{ history_of('coingecko', 'categories', key=['category_id']) }}
