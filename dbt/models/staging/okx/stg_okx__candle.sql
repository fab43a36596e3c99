with candle as (
    {{ latest_version(ref('hist_okx__candle'), ['inst_id', 'bar', 'open_time']) }}
),

dated as (
    {{ dated('candle', 'open_time', 'okx', 'history_candles', series='inst_id') }}
),

final as (
    select
        inst_id,
        day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        volume_quote,
        known_at,
        first_known_at
    from dated
    where bar = '1Dutc'
)

select * from final
