with candle as (
    {{ latest_version(ref('hist_coinbase__candle'), ['product_id', 'granularity_s', 'open_time']) }}
),

dated as (
    {{ dated('candle', 'open_time', 'coinbase', 'candles', series='product_id') }}
),

final as (
    select
        product_id,
        day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        known_at,
        first_known_at
    from dated
    where granularity_s = 86400
)

select * from final
