with market as (
    {{ listing_of(
        ref('hist_bitstamp__market'), ['market_symbol'],
        is_live="coalesce(trading, 'Enabled') = 'Enabled'"
    ) }}
),

final as (
    select
        market_symbol,
        base_currency as base_code,
        counter_currency as quote_code,
        coalesce(trading, 'Enabled') as status,
        coalesce(market_type, 'SPOT') = 'SPOT' as is_spot,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from market
)

select * from final
