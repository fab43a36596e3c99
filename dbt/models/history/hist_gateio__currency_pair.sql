{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'gateio', 'currency_pairs',
    key=['currency_pair']
) }}
