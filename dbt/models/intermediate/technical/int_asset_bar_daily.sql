{{ config(materialized='view') }}

-- canonical bars in the asset's first units, so that a change of units moves no indicator;
-- `unit_ratio` leads back to the units of the row's own day. What one venue alone says of a day is
-- no bar: the next reading has the move, if there was one.
with price as (
    select * from {{ ref('int_asset_price_daily') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

final as (
    select
        price.asset_id,
        price.day,
        {% for column in ['high_usd', 'low_usd', 'close_usd'] %}
            case
                when price.price_quality != 'unconfirmed'
                    then price.{{ column }} * coalesce(unit_factor.unit_factor, 1)
            end as {{ column }},
        {% endfor %}
        price.volume_usd,
        price.traded_volume_usd,
        coalesce(unit_factor.unit_factor, 1) as unit_ratio
    from price
    left join unit_factor
        on price.asset_id = unit_factor.asset_id
        and price.day >= unit_factor.valid_from
        and price.day < coalesce(unit_factor.valid_to, date '9999-12-31')
)

select * from final
