with instrument as (
    {{ listing_of(
        ref('hist_bybit__instrument'), ['category', 'symbol'], is_live="status = 'Trading'"
    ) }}
),

final as (
    select
        category,
        symbol,
        base_coin as base_code,
        quote_coin as quote_code,
        settle_coin as settle_code,
        contract_type as contract_kind,
        status,
        category = 'spot' as is_spot,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from instrument
)

select * from final
