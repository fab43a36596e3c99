-- a stablecoin's market price next to what it promises: one row per coin and day. Foreign money and
-- gold are worth what their reference rate says; money without one what bitcoin and ether cost in
-- it. Where the venues dispute the price, the reading nearest to the promise speaks: the least that
-- all of them say.
with registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

price as (
    select * from {{ ref('int_asset_price_daily') }}
),

venue_price as (
    select * from {{ ref('int_venue_price_daily') }}
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

reading as (
    select
        registry.stablecoin_id,
        venue_price.day,
        venue_price.close_usd as price_usd,
        true as is_of_venue,
        venue_price.is_eligible
    from registry
    inner join venue_price on registry.asset_id = venue_price.asset_id
    -- a halted venue repeats a close at which nobody traded
    where venue_price.close_usd > 0
        and venue_price.volume_usd > 0
        and coalesce(venue_price.exclusion_reason, '') not in ('excluded_venue', 'too_few_venues')

    union all

    select stablecoin_id, day, price_usd, false as is_of_venue, false as is_eligible
    from other_price
),

-- two venues that may vote need no witness: a reference may be hours older than their closes, and
-- a market that nobody uses may not have noticed
counted_reading as (
    select *
    from reading
    qualify is_eligible
        or sum(case when is_eligible then 1 else 0 end) over (partition by stablecoin_id, day) < 2
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

promised as (
    select
        calendar.stablecoin_id,
        calendar.day,
        registry.asset_id,
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
    left join reference_rate
        on registry.peg_ref = reference_rate.peg_ref
        and calendar.day = reference_rate.day
    left join quote_price
        on quote_price.asset_id = 'fiat-' || lower(registry.peg_ref)
        and calendar.day = quote_price.day
),

-- the readings of a day as deviations from the promise
deviating as (
    select
        counted_reading.*,
        counted_reading.price_usd / (promised.units_per_token * promised.ref_price_usd) - 1 as dev_frac
    from counted_reading
    inner join promised
        on counted_reading.stablecoin_id = promised.stablecoin_id
        and counted_reading.day = promised.day
),

heard as (
    select
        stablecoin_id,
        day,
        count(*) as reading_count,
        sum(case when is_of_venue then 1 else 0 end) as venue_count,
        min_by(price_usd, abs(dev_frac)) as nearest_usd,
        case
            when min(dev_frac) > 0 then min(dev_frac)
            when max(dev_frac) < 0 then max(dev_frac)
            when min(dev_frac) is not null then 0
        end as agreed_dev_frac,
        max(abs(dev_frac)) as furthest_dev_frac
    from deviating
    group by stablecoin_id, day
),

judged as (
    select
        promised.*,
        price.close_usd,
        price.low_usd,
        price.low_any_usd,
        price.volume_usd,
        coalesce(price.price_quality, 'missing') as price_quality,
        price.pit_basis,
        other_price.price_usd as other_price_usd,
        heard.nearest_usd,
        heard.agreed_dev_frac,
        heard.furthest_dev_frac,
        coalesce(heard.reading_count, 0) as reading_count,
        coalesce(heard.venue_count, 0) as venue_count,
        price.evidence as price_evidence,
        case
            when price.price_quality in ('ok', 'thin', 'stale', 'single_venue') then 'canonical'
            when heard.venue_count > 0 and heard.reading_count > 1 then 'nearest'
            -- a lonely jump is held until another reading has confirmed where it came from
            when price.price_quality = 'disputed' or price.prior_close_verdict = 'confirmed'
                then 'canonical'
            when other_price.price_usd is not null then 'reference'
        end as price_source
    from promised
    left join price
        on promised.asset_id = price.asset_id
        and promised.day = price.day
    left join other_price
        on promised.stablecoin_id = other_price.stablecoin_id
        and promised.day = other_price.day
    left join heard
        on promised.stablecoin_id = heard.stablecoin_id
        and promised.day = heard.day
),

final as (
    select
        stablecoin_id,
        day,
        case price_source
            when 'canonical' then close_usd
            when 'nearest' then nearest_usd
            when 'reference' then other_price_usd
        end as price_usd,
        price_source,
        low_usd,
        low_any_usd,
        volume_usd,
        price_quality,
        case
            when price_source = 'canonical' then price_evidence
            when venue_count > 1 then 'multi_venue'
            when venue_count = 1 then 'single_venue'
            when reading_count > 0 then 'reference'
        end as evidence,
        reading_count,
        venue_count,
        agreed_dev_frac,
        furthest_dev_frac,
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
    from judged
)

select * from final
