{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'binance', 'exchange_info',
    key=['symbol']
) }}
