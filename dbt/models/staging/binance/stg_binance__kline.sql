with kline as (
    {{ latest_version(ref('hist_binance__kline'), ['symbol', '"interval"', 'open_time']) }}
),

dated as (
    {{ dated('kline', 'open_time', 'binance', 'klines', series='symbol') }}
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
        trade_count,
        known_at,
        first_known_at
    from dated
    where "interval" = '1d'
)

select * from final
