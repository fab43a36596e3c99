{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'okx', 'history_candles',
    key=['inst_id', 'bar', 'open_time'],
    entity='inst_id', at='open_time', complete_at='open_time + interval 1 day'
) }}
