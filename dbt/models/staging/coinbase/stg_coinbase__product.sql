with product as (
    {{ listing_of(
        ref('hist_coinbase__product'), ['product_id'],
        is_live="status = 'online' and not coalesce(trading_disabled, false)"
    ) }}
),

final as (
    select
        product_id,
        base_currency as base_code,
        quote_currency as quote_code,
        status,
        true as is_spot,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from product
)

select * from final
