with ohlc as (
    {{ latest_version(ref('hist_bitstamp__ohlc'), ['market_symbol', 'step_s', 'open_time']) }}
),

dated as (
    {{ dated('ohlc', 'open_time', 'bitstamp', 'ohlc', series='market_symbol') }}
),

final as (
    select
        market_symbol,
        day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        known_at,
        first_known_at
    from dated
    where step_s = 86400
)

select * from final
