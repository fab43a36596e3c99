with ohlc as (
    {{ latest_version(ref('hist_bitstamp__ohlc'), ['market_symbol', 'step_s', 'open_time']) }}
),

final as (
    select
        market_symbol,
        {{ utc_day('open_time') }} as day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        volume_base,
        known_at,
        first_known_at
    from ohlc
    where step_s = 86400
)

select * from final
