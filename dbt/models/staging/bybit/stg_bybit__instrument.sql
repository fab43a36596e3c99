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
        is_live as is_trading
    from instrument
)

select * from final
