{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'okx', 'instruments',
    key=['inst_type', 'inst_id']
) }}
