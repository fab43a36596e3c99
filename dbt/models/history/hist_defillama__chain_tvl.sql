{{ history_of(
    'defillama', 'chain_tvl',
    key=['chain', 'label_time'],
    entity='chain', at='label_time', complete_at='label_time'
) }}
