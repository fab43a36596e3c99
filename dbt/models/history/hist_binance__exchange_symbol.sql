{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'binance', 'exchange_info',
    key=['symbol']
) }}
