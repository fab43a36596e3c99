with funding_rate as (
    {{ latest_version(ref('hist_binance_futures__funding_rate'), ['symbol', 'funding_time']) }}
),

dated as (
    {{ dated('funding_rate', 'funding_time', 'binance_futures', 'funding_rate', series='symbol') }}
),

final as (
    select
        symbol,
        funding_time as settled_at,
        day,
        funding_rate as rate_frac,
        mark_price as mark_price_quote,
        known_at,
        first_known_at
    from dated
)

select * from final
