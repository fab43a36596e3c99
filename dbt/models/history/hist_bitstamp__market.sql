{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'bitstamp', 'markets',
    key=['market_symbol']
) }}
