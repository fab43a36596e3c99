{{ history_of(
    'defillama', 'protocol_metrics',
    key=['series_id', 'chain', 'version', 'day_time'],
    entity='series_id', at='day_time', complete_at='day_time + interval 1 day'
) }}
