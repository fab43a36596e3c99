{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'bitstamp', 'markets',
    key=['market_symbol']
) }}
