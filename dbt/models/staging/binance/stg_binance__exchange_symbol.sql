with symbol_listing as (
    {{ listing_of(
        ref('hist_binance__exchange_symbol'), ['symbol'],
        is_live="status = 'TRADING' and coalesce(is_spot_trading_allowed, true)"
    ) }}
),

final as (
    select
        symbol,
        base_asset as base_code,
        quote_asset as quote_code,
        status,
        true as is_spot,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from symbol_listing
)

select * from final
