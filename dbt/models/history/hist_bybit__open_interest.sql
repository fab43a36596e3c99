{{ history_of(
    'bybit', 'open_interest',
    key=['symbol', 'interval', 'time'],
    entity='symbol', at='time', complete_at='"time"'
) }}
