{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'binance', 'klines',
    key=['symbol', 'interval', 'open_time'],
    entity='symbol', at='open_time', complete_at='open_time + interval 1 day'
) }}
