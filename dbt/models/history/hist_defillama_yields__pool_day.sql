{{ history_of(
    'defillama_yields', 'pool_chart',
    key=['pool', 'day_time'],
    entity='pool', at='day_time', complete_at='day_time + interval 1 day'
) }}
