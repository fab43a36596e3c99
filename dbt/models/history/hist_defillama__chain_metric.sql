{{ history_of(
    'defillama', 'chain_metrics',
    key=['series_id', 'day_time'],
    entity='series_id', at='day_time', complete_at='day_time + interval 1 day'
) }}
