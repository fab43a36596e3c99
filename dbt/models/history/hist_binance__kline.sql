{{ history_of(
    'binance', 'klines',
    key=['symbol', 'interval', 'open_time'],
    entity='symbol', at='open_time', complete_at='close_time'
) }}
