{{ history_of(
    'defillama_coins', 'prices',
    key=['coin', 'label_time'],
    entity='coin', at='label_time', complete_at='label_time'
) }}
