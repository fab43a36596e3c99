{{ history_of(
    'kraken', 'ohlc',
    key=['pair', 'interval_min', 'open_time'],
    entity='pair', at='open_time', complete_at='open_time + to_minutes(interval_min)'
) }}
