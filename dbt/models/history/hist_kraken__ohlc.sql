{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'kraken', 'ohlc',
    key=['pair', 'interval_min', 'open_time'],
    entity='pair', at='open_time', complete_at='open_time + interval 1 day'
) }}
