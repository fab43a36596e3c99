{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'gateio', 'currency_pairs',
    key=['currency_pair']
) }}
