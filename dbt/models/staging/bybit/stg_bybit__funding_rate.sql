with funding_rate as (
    {{ latest_version(ref('hist_bybit__funding_rate'), ['symbol', 'funding_time']) }}
),

final as (
    select
        symbol,
        funding_time as settled_at,
        {{ utc_day('funding_time') }} as day,
        funding_rate as rate_frac,
        known_at,
        first_known_at
    from funding_rate
)

select * from final
