with kline as (
    {{ latest_version(ref('hist_bybit__kline'), ['category', 'symbol', '"interval"', 'open_time']) }}
),

dated as (
    {{ dated('kline', 'open_time', 'bybit', 'kline', series='symbol') }}
),

final as (
    select
        symbol,
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
    where category = 'spot' and "interval" = 'D'
)

select * from final
