{{ config(materialized='replaced_view') }}

-- what strategies decide on and are traded at, in the asset's first units. A price that one venue
-- alone shows is nothing to trade at: such a day has none
with asset_day as (
    select asset_id, day, trader_grade, is_dead from {{ ref('int_signal_input_daily') }}
),

signal as (
    select asset_id, day, signal from {{ ref('int_signal_daily') }}
),

bar as (
    select * from {{ ref('int_asset_bar_daily') }}
),

price as (
    select asset_id, day, open_usd from {{ ref('int_asset_price_daily') }}
),

indicator as (
    select asset_id, day, atr_14 from {{ ref('int_technical_daily') }}
),

membership as (
    select asset_id, day, is_member, universe_rank, volume_median_30d_usd
    from {{ ref('int_universe_membership_daily') }}
    where universe_id = 'core'
),

short_market as (
    select * from {{ ref('int_short_market_daily') }}
),

derivative as (
    select asset_id, day, funding_day from {{ ref('int_asset_derivative_daily') }}
),

excursion as (
    select * from {{ ref('int_excursion_daily') }}
),

final as (
    select
        asset_day.asset_id,
        asset_day.day,
        case when bar.confirmed_close_usd is not null then price.open_usd * bar.unit_ratio end
        as open_usd,
        case when bar.confirmed_close_usd is not null then bar.high_usd end as high_usd,
        case when bar.confirmed_close_usd is not null then bar.low_usd end as low_usd,
        bar.confirmed_close_usd as close_usd,
        bar.volume_usd,
        membership.volume_median_30d_usd,
        derivative.funding_day as funding_frac,
        asset_day.is_dead,
        asset_day.trader_grade,
        signal.signal,
        coalesce(membership.is_member, false) as is_member,
        membership.universe_rank,
        coalesce(short_market.is_shortable, false) as is_shortable,
        indicator.atr_14 * bar.unit_ratio as atr_usd,
        excursion.long_adverse_excursion_atr,
        excursion.long_favourable_excursion_atr,
        excursion.short_adverse_excursion_atr,
        excursion.short_favourable_excursion_atr
    from asset_day
    left join signal
        on asset_day.asset_id = signal.asset_id
        and asset_day.day = signal.day
    left join bar
        on asset_day.asset_id = bar.asset_id
        and asset_day.day = bar.day
    left join price
        on asset_day.asset_id = price.asset_id
        and asset_day.day = price.day
    left join indicator
        on asset_day.asset_id = indicator.asset_id
        and asset_day.day = indicator.day
    left join excursion
        on asset_day.asset_id = excursion.asset_id
        and asset_day.day = excursion.day
    left join membership
        on asset_day.asset_id = membership.asset_id
        and asset_day.day = membership.day
    left join short_market
        on asset_day.asset_id = short_market.asset_id
        and asset_day.day = short_market.day
    left join derivative
        on asset_day.asset_id = derivative.asset_id
        and asset_day.day = derivative.day
)

select * from final
