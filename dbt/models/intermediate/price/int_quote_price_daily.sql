-- What one unit of money was worth at the end of the day: by its markets; where they say nothing, or
-- one venue alone says what is not confirmed yet, by a reference. What it promises to be worth is the
-- last resort, and marked.
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

-- money is converted by its reference rate, where one was set in the last days
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

priced as (
    select asset_id, day, canonical_close_usd, is_unconfirmed from stage1
    union all
    select asset_id, day, canonical_close_usd, is_unconfirmed from stage2
),

market as (
    select
        asset_id,
        day,
        max(canonical_close_usd) as price_usd,
        max(case when is_unconfirmed then 1 else 0 end) = 1 as is_unconfirmed
    from priced
    where canonical_close_usd is not null
    group by asset_id, day
),

offered as (
    select
        quote_asset.asset_id,
        candle_day.day,
        cast(1 as double) as price_usd,
        'definition' as price_method,
        1 as preference
    from quote_asset
    cross join candle_day
    where quote_asset.stage = 0

    union all

    select asset_id, day, price_usd, 'reference_rate' as price_method, 1 as preference
    from money

    union all

    select
        asset_id,
        day,
        price_usd,
        'market' as price_method,
        case when is_unconfirmed then 4 else 2 end as preference
    from market

    union all

    select
        reference_price.asset_id,
        reference_price.day,
        reference_price.price_usd,
        'reference' as price_method,
        3 as preference
    from reference_price
    inner join quote_asset on reference_price.asset_id = quote_asset.asset_id
    where quote_asset.stage = 2

    union all

    select
        quote_asset.asset_id,
        candle_day.day,
        quote_asset.parity_usd as price_usd,
        'parity' as price_method,
        5 as preference
    from quote_asset
    cross join candle_day
    where quote_asset.parity_usd is not null
),

final as (
    select asset_id, day, price_usd, price_method
    from offered
    qualify row_number() over (partition by asset_id, day order by preference) = 1
)

select * from final
