{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'coinbase', 'products',
    key=['product_id']
) }}
