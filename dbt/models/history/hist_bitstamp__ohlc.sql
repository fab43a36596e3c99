{#- Written by `python -m pipelines.declaring write`. -#}
{{ history_of(
    'bitstamp', 'ohlc',
    key=['market_symbol', 'step_s', 'open_time'],
    entity='market_symbol', at='open_time', complete_at='open_time + interval 1 day'
) }}
