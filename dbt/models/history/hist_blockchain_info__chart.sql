{{ history_of(
    'blockchain_info', 'charts',
    key=['chart', 'day_time'],
    entity='chart', at='day_time', complete_at='day_time + interval 1 day'
) }}
