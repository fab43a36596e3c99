{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'kraken', 'asset_pairs',
    key=['pair_id']
) }}
