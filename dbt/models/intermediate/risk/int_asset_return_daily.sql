-- daily returns on the price of one original unit, so that a change of units is no return
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

adjusted as (
    select
        price.asset_id,
        price.day,
        price.close_usd * coalesce(unit_factor.unit_factor, 1) as adjusted_close_usd
    from price
    left join unit_factor
        on price.asset_id = unit_factor.asset_id
        and price.day >= unit_factor.valid_from
        and price.day < coalesce(unit_factor.valid_to, date '9999-12-31')
),

preceded as (
    select
        *,
        {{ value_days_ago('adjusted_close_usd', 1, 'asset_id') }} as adjusted_close_1_usd
    from adjusted
),

final as (
    select
        asset_id,
        day,
        adjusted_close_usd,
        case
            when adjusted_close_usd > 0 and adjusted_close_1_usd > 0
                then ln(adjusted_close_usd / adjusted_close_1_usd)
        end as logret_1d
    from preceded
)

select * from final
