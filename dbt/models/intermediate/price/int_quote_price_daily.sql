-- what one unit of money was worth at the end of the day; never assumed to be 1 (C.1.1)
with candle_day as (
    select distinct day from {{ ref('int_market_candle_daily') }}
),

quote_asset as (
    select * from {{ ref('int_quote_asset') }}
),

stage1 as (
    select * from {{ ref('int_venue_price_stage1_daily') }}
),

stage2 as (
    select * from {{ ref('int_venue_price_stage2_daily') }}
),

reference_price as (
    select * from {{ ref('int_reference_price_daily') }}
),

reference_rate as (
    select * from {{ ref('int_reference_rate_daily') }}
),

-- money is converted by its reference rate, where one was set in the last days (C.1.1)
money as (
    select
        quote_asset.asset_id,
        candle_day.day,
        reference_rate.price_usd
    from quote_asset
    cross join candle_day
    inner join reference_rate
        on quote_asset.asset_id = 'fiat-' || lower(reference_rate.peg_ref)
        and candle_day.day = reference_rate.day
),

market as (
    select asset_id, day, max(canonical_close_usd) as price_usd
    from stage1
    where canonical_close_usd is not null
    group by asset_id, day

    union all

    select asset_id, day, max(canonical_close_usd) as price_usd
    from stage2
    where canonical_close_usd is not null
    group by asset_id, day
),

-- a day on which no market prices a coin, for example where a data set has no USD market at all
borrowed as (
    select reference_price.asset_id, reference_price.day, reference_price.price_usd
    from reference_price
    inner join quote_asset on reference_price.asset_id = quote_asset.asset_id
    left join market
        on reference_price.asset_id = market.asset_id
        and reference_price.day = market.day
    left join money
        on reference_price.asset_id = money.asset_id
        and reference_price.day = money.day
    where quote_asset.stage = 2 and market.asset_id is null and money.asset_id is null
),

final as (
    select
        quote_asset.asset_id,
        candle_day.day,
        cast(1 as double) as price_usd,
        'definition' as price_method
    from quote_asset
    cross join candle_day
    where quote_asset.stage = 0

    union all

    select asset_id, day, price_usd, 'reference_rate' as price_method
    from money

    union all

    select market.asset_id, market.day, market.price_usd, 'market' as price_method
    from market
    left join money
        on market.asset_id = money.asset_id
        and market.day = money.day
    where money.asset_id is null

    union all

    select asset_id, day, price_usd, 'reference' as price_method
    from borrowed
)

select * from final
