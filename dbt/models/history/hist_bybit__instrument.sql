{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'bybit', 'instruments_info',
    key=['category', 'symbol']
) }}
