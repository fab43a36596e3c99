with ohlc as (
    {{ latest_version(ref('hist_kraken__ohlc'), ['pair', 'interval_min', 'open_time']) }}
),

dated as (
    {{ dated('ohlc', 'open_time', 'kraken', 'ohlc', series='pair') }}
),

final as (
    select
        pair,
        day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        vwap as vwap_quote,
        volume_base,
        trade_count,
        known_at,
        first_known_at
    from dated
    where interval_min = 1440
)

select * from final
