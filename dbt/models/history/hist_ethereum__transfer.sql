{{ history_of(
    'ethereum', 'transfers',
    key=['token', 'day_time', 'block_hash', 'log_index'],
    entity='token', at='day_time', complete_at='day_time + interval 1 day'
) }}
