{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'gateio', 'candlesticks',
    key=['currency_pair', 'interval', 'open_time'],
    entity='currency_pair', at='open_time', complete_at='open_time + interval 1 day'
) }}
