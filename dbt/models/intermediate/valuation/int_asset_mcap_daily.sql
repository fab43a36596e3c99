-- market caps, and what each asset counts as on its day
with supply as (
    select * from {{ ref('int_asset_supply_daily') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

stablecoin as (
    select *, coalesce(asset_id, stablecoin_id) as entity_id from {{ ref('int_stablecoin_registry') }}
),

stablecoin_price as (
    select * from {{ ref('int_stablecoin_price_daily') }}
),

class_interval as (
    select * from {{ ref('int_asset_class_interval') }}
),

regime_config as (
    select * from {{ ref('cfg_regime') }}
    qualify row_number() over (order by version desc) = 1
),

-- a coin that several lists know is counted once
stablecoin_day as (
    select
        stablecoin.entity_id as asset_id,
        stablecoin_price.day,
        max(stablecoin_price.price_usd) as price_usd,
        max(case when stablecoin.is_double_counted then 1 else 0 end) = 1 as is_double_counted
    from stablecoin_price
    inner join stablecoin on stablecoin_price.stablecoin_id = stablecoin.stablecoin_id
    group by stablecoin.entity_id, stablecoin_price.day
),

priced as (
    select
        supply.asset_id,
        supply.day,
        supply.unit_factor,
        supply.supply_circulating_native,
        supply.supply_circulating_source,
        supply.supply_circulating_staleness_d,
        supply.mcap_basis,
        supply.is_supply_disputed,
        supply.supply_onchain_native,
        supply.supply_diluted_native,
        supply.fdv_basis,
        coalesce(price.close_usd, stablecoin_day.price_usd) as price_usd,
        coalesce(
            class_interval.asset_class,
            case when stablecoin_day.asset_id is not null then 'stablecoin' end
        ) as asset_class,
        coalesce(stablecoin_day.is_double_counted, false) as is_double_counted
    from supply
    left join price
        on supply.asset_id = price.asset_id
        and supply.day = price.day
    left join stablecoin_day
        on supply.asset_id = stablecoin_day.asset_id
        and supply.day = stablecoin_day.day
    left join class_interval
        on supply.asset_id = class_interval.asset_id
        and supply.day >= class_interval.valid_from
        and supply.day < coalesce(class_interval.valid_to, date '9999-12-31')
),

final as (
    select
        priced.asset_id,
        priced.day,
        priced.asset_class,
        priced.price_usd,
        priced.supply_circulating_native,
        priced.supply_circulating_source,
        priced.supply_circulating_staleness_d,
        priced.is_supply_disputed,
        priced.supply_circulating_native * priced.price_usd as mcap_usd,
        priced.mcap_basis,
        priced.supply_onchain_native * priced.price_usd as mcap_onchain_usd,
        priced.supply_diluted_native * priced.price_usd as fdv_usd,
        priced.fdv_basis,
        priced.supply_circulating_native / priced.supply_diluted_native as float_frac,
        -- price and supply of one first unit: their product is the same, their changes are real
        priced.supply_circulating_native / priced.unit_factor as supply_in_first_units,
        priced.supply_onchain_native / priced.unit_factor as supply_onchain_in_first_units,
        priced.price_usd * priced.unit_factor as price_of_first_unit_usd,
        priced.asset_class = 'stablecoin' as is_stablecoin,
        not priced.is_double_counted
        and not {{ in_text_list('priced.asset_class', 'regime_config.duplicate_classes') }}
        as is_counted,
        {{ in_text_list('priced.asset_class', 'regime_config.alt_classes') }}
        and priced.asset_id != 'bitcoin' as is_alt
    from priced
    cross join regime_config
    where priced.price_usd is not null and priced.asset_class is not null
)

select * from final
