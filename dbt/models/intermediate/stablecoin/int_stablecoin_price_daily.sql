-- a stablecoin's market price next to what it promises: one row per coin and day. Foreign money and
-- gold are worth what their reference rate says (C.6.6); money without one what bitcoin and ether
-- cost in it.
with registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

stablecoin_price as (
    select * from {{ ref('stg_defillama_stablecoins__price') }}
),

reference_price as (
    select * from {{ ref('int_reference_price_daily') }}
),

quote_price as (
    select * from {{ ref('int_quote_price_daily') }}
),

reference_rate as (
    select * from {{ ref('int_reference_rate_daily') }}
),

supply as (
    select * from {{ ref('int_stablecoin_supply_daily') }}
),

-- DefiLlama prices coins that are no curated asset, too
other_price as (
    select
        registry.stablecoin_id,
        coalesce(reference_price.day, stablecoin_price.day) as day,
        coalesce(reference_price.price_usd, cast(stablecoin_price.price_usd as double)) as price_usd
    from registry
    inner join stablecoin_price on registry.gecko_id = stablecoin_price.gecko_id
    left join reference_price
        on registry.asset_id = reference_price.asset_id
        and stablecoin_price.day = reference_price.day

    union

    select registry.stablecoin_id, reference_price.day, reference_price.price_usd
    from registry
    inner join reference_price on registry.asset_id = reference_price.asset_id
),

observed_day as (
    select registry.stablecoin_id, price.day
    from registry
    inner join price on registry.asset_id = price.asset_id
    union
    select stablecoin_id, day from other_price
    union
    select stablecoin_id, day from supply
),

newest as (
    select max(day) as day from observed_day
),

lifetime as (
    select
        observed_day.stablecoin_id,
        min(observed_day.day) as first_day,
        least(newest.day, coalesce(registry.dead_from - 1, newest.day)) as last_day
    from observed_day
    cross join newest
    inner join registry on observed_day.stablecoin_id = registry.stablecoin_id
    group by observed_day.stablecoin_id, newest.day, registry.dead_from
),

calendar as (
    {{ day_spine('lifetime', ['stablecoin_id'], 'first_day', 'last_day') }}
),

joined as (
    select
        calendar.stablecoin_id,
        calendar.day,
        coalesce(price.close_usd, other_price.price_usd) as price_usd,
        case
            when price.close_usd is not null then 'canonical'
            when other_price.price_usd is not null then 'reference'
        end as price_source,
        price.low_usd,
        price.low_any_usd,
        price.volume_usd,
        coalesce(price.price_quality, 'missing') as price_quality,
        price.pit_basis,
        registry.units_per_token,
        case
            when registry.peg_ref = 'USD' then cast(1 as double)
            else coalesce(reference_rate.price_usd, quote_price.price_usd)
        end as ref_price_usd,
        case
            when registry.peg_ref = 'USD' then 'definition'
            when reference_rate.price_usd is not null then reference_rate.ref_source
            when quote_price.price_usd is not null then 'market'
        end as ref_source,
        reference_rate.ref_day as fixing_day,
        reference_rate.published_day as fixing_published_day,
        reference_rate.age_h as fixing_age_h
    from calendar
    inner join registry on calendar.stablecoin_id = registry.stablecoin_id
    left join price on registry.asset_id = price.asset_id and calendar.day = price.day
    left join other_price
        on calendar.stablecoin_id = other_price.stablecoin_id
        and calendar.day = other_price.day
    left join reference_rate
        on registry.peg_ref = reference_rate.peg_ref
        and calendar.day = reference_rate.day
    left join quote_price
        on quote_price.asset_id = 'fiat-' || lower(registry.peg_ref)
        and calendar.day = quote_price.day
),

final as (
    select
        stablecoin_id,
        day,
        price_usd,
        price_source,
        low_usd,
        low_any_usd,
        volume_usd,
        price_quality,
        pit_basis,
        ref_price_usd,
        ref_source,
        -- markets and definitions have no day off
        case
            when ref_source in ('definition', 'market') then day
            when ref_source is not null then fixing_day
        end as ref_day,
        case
            when ref_source in ('definition', 'market') then day
            when ref_source is not null then greatest(fixing_published_day, day)
        end as decidable_day,
        case
            when ref_source in ('definition', 'market') then cast(0 as double)
            when ref_source is not null then fixing_age_h
        end as ref_age_h,
        units_per_token * ref_price_usd as peg_value_usd
    from joined
)

select * from final
