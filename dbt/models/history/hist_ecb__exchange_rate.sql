{{ history_of(
    'ecb', 'exchange_rates',
    key=['currency', 'day_time'],
    entity='currency', at='day_time', complete_at='day_time + interval 1 day'
) }}
