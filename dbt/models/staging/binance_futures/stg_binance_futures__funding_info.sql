-- what Binance says of a contract today; the past follows from its settlements
with funding_info as (
    {{ listing_of(ref('hist_binance_futures__funding_info'), ['symbol']) }}
),

final as (
    select
        symbol,
        funding_interval_h,
        rate_cap as rate_cap_frac,
        rate_floor as rate_floor_frac,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from funding_info
)

select * from final
