{{ history_of(
    'defillama_stablecoins', 'prices',
    key=['gecko_id', 'day_time'],
    at='day_time',
    complete_at=final_at('day_time', 'defillama_stablecoins', 'prices')
) }}
