{{ history_of(
    'defillama', 'protocol_tvl',
    key=['slug', 'chain', 'label_time'],
    entity='slug', at='label_time', complete_at='label_time'
) }}
