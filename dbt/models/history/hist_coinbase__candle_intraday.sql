{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'coinbase', 'candles_intraday',
    key=['series_id', 'open_time'],
    entity='series_id', at='open_time', complete_at='open_time + to_seconds(length_s)'
) }}
