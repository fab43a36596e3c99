{{ history_of(
    'gold', 'prices',
    key=['metal', 'day_time'],
    entity='metal', at='day_time', complete_at='day_time + interval 1 day'
) }}
