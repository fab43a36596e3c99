{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'kraken', 'asset_pairs',
    key=['pair_id']
) }}
