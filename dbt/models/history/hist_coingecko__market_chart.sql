{{ history_of(
    'coingecko', 'market_chart',
    key=['coin_id', 'label_time'],
    entity='coin_id', at='label_time', complete_at='label_time'
) }}
