{{ history_of(
    'binance_futures', 'funding_rate',
    key=['symbol', 'funding_time'],
    entity='symbol', at='funding_time', complete_at='funding_time'
) }}
