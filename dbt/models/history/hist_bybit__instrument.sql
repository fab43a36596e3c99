{#- Written by `python -m pipelines.sources write`. -#}
{{ history_of(
    'bybit', 'instruments_info',
    key=['category', 'symbol']
) }}
