{{ history_of(
    'defillama', 'protocol_tokens',
    key=['slug', 'token', 'label_time'],
    entity='slug', at='label_time', complete_at='label_time'
) }}
