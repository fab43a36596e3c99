{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'coinbase', 'candles',
    key=['product_id', 'granularity_s', 'open_time'],
    entity='product_id', at='open_time', complete_at='open_time + interval 1 day'
) }}
