with ohlc as (
    {{ latest_version(ref('hist_kraken__ohlc'), ['pair', 'interval_min', 'open_time']) }}
),

final as (
    select
        pair,
        {{ utc_day('open_time') }} as day,
        open as open_quote,
        high as high_quote,
        low as low_quote,
        close as close_quote,
        vwap as vwap_quote,
        volume_base,
        trade_count,
        known_at,
        first_known_at
    from ohlc
    where interval_min = 1440
)

select * from final
