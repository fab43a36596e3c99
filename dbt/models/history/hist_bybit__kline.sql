{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'bybit', 'kline',
    key=['category', 'symbol', 'interval', 'open_time'],
    entity='symbol', at='open_time', complete_at='open_time + interval 1 day'
) }}
