with asset as (
    select * from {{ ref('int_asset_registry') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

supply as (
    select distinct registry.asset_id
    from {{ ref('int_stablecoin_supply_daily') }} as supply_day
    inner join {{ ref('int_stablecoin_registry') }} as registry
        on supply_day.stablecoin_id = registry.stablecoin_id
),

reported_supply as (
    select distinct asset_id from {{ ref('int_asset_supply_daily') }}
),

reference_price as (
    select distinct asset_id from {{ ref('int_reference_price_daily') }}
),

calendar as (
    select asset_id, min(day) as first_price_day, max(day) as last_price_day
    from {{ ref('int_asset_calendar_daily') }}
    group by asset_id
),

market as (
    select
        base_asset_id as asset_id,
        count(distinct venue_id || ' ' || symbol) as market_count,
        count(distinct venue_id) as venue_count
    from candle
    where base_asset_id is not null
    group by base_asset_id
),

-- an id at CoinGecko is written down for every asset: it is no sign of a source
mapped as (
    select distinct asset_id from alias
    where source != 'coingecko'
),

final as (
    select
        asset.asset_id,
        asset.symbol,
        asset.name,
        asset.asset_class,
        asset.sector,
        asset.narratives,
        asset.launch_day,
        calendar.first_price_day,
        calendar.last_price_day,
        coalesce(market.market_count, 0) as market_count,
        coalesce(market.venue_count, 0) as venue_count,
        case
            when market.asset_id is not null
                or supply.asset_id is not null
                or reported_supply.asset_id is not null
                or reference_price.asset_id is not null
                then 'observed'
            when mapped.asset_id is not null then 'mapped'
            else 'no_source'
        end as source_status,
        asset.is_curated,
        asset.note
    from asset
    left join calendar on asset.asset_id = calendar.asset_id
    left join market on asset.asset_id = market.asset_id
    left join supply on asset.asset_id = supply.asset_id
    left join reported_supply on asset.asset_id = reported_supply.asset_id
    left join reference_price on asset.asset_id = reference_price.asset_id
    left join mapped on asset.asset_id = mapped.asset_id
)

select * from final
