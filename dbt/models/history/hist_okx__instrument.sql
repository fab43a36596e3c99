{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'okx', 'instruments',
    key=['inst_type', 'inst_id']
) }}
