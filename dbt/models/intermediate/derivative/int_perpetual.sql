-- perpetual contracts that are settled in what they are quoted in: their open interest is an amount
-- of the base, whatever the price does
with binance_contract as (
    select * from {{ ref('stg_binance_futures__contract') }}
    where contract_kind = 'PERPETUAL' and settle_code = quote_code
),

okx_swap as (
    select * from {{ ref('stg_okx__instrument') }}
    where inst_type = 'SWAP' and contract_kind = 'linear'
),

bybit_contract as (
    select * from {{ ref('stg_bybit__instrument') }}
    where category = 'linear' and contract_kind = 'LinearPerpetual'
),

contract_unit as (
    select * from {{ ref('map_contract_unit') }}
),

listed as (
    select 'binance_futures' as source, symbol, base_code, quote_code, is_trading
    from binance_contract
    union all
    select 'okx' as source, inst_id as symbol, base_code, quote_code, is_trading
    from okx_swap
    union all
    select 'bybit' as source, symbol, base_code, quote_code, is_trading
    from bybit_contract
),

final as (
    select
        listed.source,
        listed.symbol,
        listed.base_code,
        listed.quote_code,
        coalesce(contract_unit.base_units, 1) as base_units,
        listed.is_trading
    from listed
    left join contract_unit
        on listed.source = contract_unit.source
        and listed.base_code = contract_unit.base_code
)

select * from final
