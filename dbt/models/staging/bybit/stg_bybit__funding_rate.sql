with funding_rate as (
    {{ latest_version(ref('hist_bybit__funding_rate'), ['symbol', 'funding_time']) }}
),

dated as (
    {{ dated('funding_rate', 'funding_time', 'bybit', 'funding_history', series='symbol') }}
),

final as (
    select
        symbol,
        funding_time as settled_at,
        day,
        funding_rate as rate_frac,
        known_at,
        first_known_at
    from dated
)

select * from final
