with candle as (
    {{ latest_version(ref('hist_coinbase__candle'), ['product_id', 'granularity_s', 'open_time']) }}
),

final as (
    select
        product_id,
        {{ utc_day('open_time') }} as day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        known_at,
        first_known_at
    from candle
    where granularity_s = 86400
)

select * from final
