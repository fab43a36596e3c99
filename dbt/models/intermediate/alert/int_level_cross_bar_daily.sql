{{ config(materialized='replaced_view') }}

-- closes that may cross a level, in first units. What stands at its peg crosses levels all day and
-- means nothing by it.
with bar as (
    select * from {{ ref('int_asset_bar_daily') }}
),

pegged as (
    select asset_id, day from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core' and asset_class in ('stablecoin', 'fiat')
),

indicator as (
    select asset_id, day, atr_14 from {{ ref('int_technical_daily') }}
),

final as (
    select
        bar.asset_id,
        bar.day,
        bar.unit_ratio,
        bar.close_usd,
        indicator.atr_14 * bar.unit_ratio as atr_usd
    from bar
    left join indicator
        on bar.asset_id = indicator.asset_id
        and bar.day = indicator.day
    left join pegged
        on bar.asset_id = pegged.asset_id
        and bar.day = pegged.day
    where pegged.asset_id is null
)

select * from final
