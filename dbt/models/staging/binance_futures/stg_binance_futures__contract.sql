with contract as (
    {{ listing_of(
        ref('hist_binance_futures__contract'), ['symbol'], is_live="status = 'TRADING'"
    ) }}
),

final as (
    select
        symbol,
        base_asset as base_code,
        quote_asset as quote_code,
        margin_asset as settle_code,
        contract_type as contract_kind,
        status,
        is_live as is_trading,
        was_seen_live as was_seen_trading,
        gone_seen_at as halted_seen_at
    from contract
)

select * from final
