{{ history_of(
    'binance_futures', 'open_interest_hist',
    key=['symbol', 'period', 'time'],
    entity='symbol', at='time', complete_at='"time"'
) }}
