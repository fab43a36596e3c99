{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'coinbase', 'products',
    key=['product_id']
) }}
