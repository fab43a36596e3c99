{{ history_of(
    'bybit', 'funding_history',
    key=['symbol', 'funding_time'],
    entity='symbol', at='funding_time', complete_at='funding_time'
) }}
