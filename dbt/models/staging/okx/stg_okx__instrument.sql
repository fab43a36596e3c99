-- of a swap OKX names the currencies in the family alone
with instrument as (
    {{ listing_of(
        ref('hist_okx__instrument'), ['inst_type', 'inst_id'], is_live="state = 'live'"
    ) }}
),

final as (
    select
        inst_type,
        inst_id,
        coalesce(base_ccy, split_part(inst_family, '-', 1)) as base_code,
        coalesce(quote_ccy, split_part(inst_family, '-', 2)) as quote_code,
        settle_ccy as settle_code,
        contract_type as contract_kind,
        contract_value as contract_size,
        contract_value_ccy as contract_size_code,
        state as status,
        is_live as is_trading
    from instrument
)

select * from final
