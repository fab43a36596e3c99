-- what a unit of money or metal was worth by reference: the newest rate set, for as
-- many days as the seed allows, with its age
with exchange_rate as (
    select * from {{ ref('stg_ecb__exchange_rate') }}
),

gold_price as (
    select * from {{ ref('stg_gold__price') }}
    where metal = 'XAU'
),

zloty_rate as (
    select * from {{ ref('stg_gold__currency_rate') }}
    where currency = 'USD'
),

reference_config as (
    select * from {{ ref('cfg_reference_rate') }}
    qualify row_number() over (order by version desc) = 1
),

dollar as (
    select * from exchange_rate
    where currency = 'USD'
),

money as (
    select
        exchange_rate.currency as peg_ref,
        exchange_rate.day as ref_day,
        exchange_rate.day as published_day,
        cast(dollar.units_per_eur as double) / cast(exchange_rate.units_per_eur as double) as price_usd,
        greatest(exchange_rate.first_known_at, dollar.first_known_at) as first_known_at
    from exchange_rate
    inner join dollar on exchange_rate.day = dollar.day
    where exchange_rate.currency != 'USD'

    union all

    select
        'EUR' as peg_ref,
        day as ref_day,
        day as published_day,
        cast(units_per_eur as double) as price_usd,
        first_known_at
    from dollar
),

-- the bank publishes London's price of the working day before, in zloty at that day's rate
gold as (
    select
        zloty_rate.day as ref_day,
        gold_price.published_day,
        cast(gold_price.pln_per_gram as double) / cast(zloty_rate.pln_per_unit as double)
        as gram_usd,
        greatest(gold_price.first_known_at, zloty_rate.first_known_at) as first_known_at
    from gold_price
    cross join reference_config
    inner join zloty_rate
        on gold_price.published_day > zloty_rate.day
        and gold_price.published_day <= zloty_rate.day + reference_config.max_staleness_d + 1
    qualify row_number() over (
        partition by gold_price.published_day
        order by zloty_rate.day desc
    ) = 1
),

fixing as (
    select
        money.peg_ref,
        money.ref_day,
        money.published_day,
        money.price_usd,
        'ecb' as ref_source,
        reference_config.ecb_fixing_hour as fixing_hour,
        money.first_known_at
    from money
    cross join reference_config

    union all

    select
        'XAU_OZT' as peg_ref,
        gold.ref_day,
        gold.published_day,
        gold.gram_usd * reference_config.grams_per_ozt as price_usd,
        'gold' as ref_source,
        reference_config.gold_fixing_hour as fixing_hour,
        gold.first_known_at
    from gold
    cross join reference_config

    union all

    select
        'XAU_G' as peg_ref,
        gold.ref_day,
        gold.published_day,
        gold.gram_usd as price_usd,
        'gold' as ref_source,
        reference_config.gold_fixing_hour as fixing_hour,
        gold.first_known_at
    from gold
    cross join reference_config
),

-- each is good for some days, and on each day the newest one counts
standing as (
    select
        fixing.*,
        fixing.ref_day + reference_config.max_staleness_d as last_day
    from fixing
    cross join reference_config
),

spine as (
    {{ day_spine(
        'standing',
        [
            'peg_ref', 'ref_day', 'published_day', 'price_usd', 'ref_source', 'fixing_hour',
            'first_known_at'
        ],
        'ref_day',
        'last_day'
    ) }}
),

newest as (
    select * from spine
    qualify row_number() over (
        partition by peg_ref, day
        order by ref_day desc, published_day
    ) = 1
),

final as (
    select
        peg_ref,
        day,
        price_usd,
        ref_source,
        ref_day,
        published_day,
        cast({{ days_between('ref_day', 'day') }} as bigint) as staleness_d,
        -- at the end of the day, when the close is taken
        24.0 * {{ days_between('ref_day', 'day + 1') }} - fixing_hour as age_h,
        first_known_at
    from newest
)

select * from final
