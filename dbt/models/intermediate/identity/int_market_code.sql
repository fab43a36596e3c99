-- under which codes a market's days are to be read: a venue that respells a code (XBT, BTC) in its
-- list of today has not respelled the past
with version as (
    select * from {{ ref('stg_spot__market_version') }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

-- most versions change something else; of two in one day the later one counts
described as (
    select
        venue_id,
        symbol,
        base_code,
        quote_code,
        {{ utc_day('known_at') }} as day
    from version
    qualify row_number() over (
        partition by venue_id, symbol, {{ utc_day('known_at') }}
        order by known_at desc, load_id desc, base_code, quote_code
    ) = 1
),

compared as (
    select
        *,
        lag(day) over by_day as previous_day,
        lag(base_code) over by_day as previous_base_code,
        lag(quote_code) over by_day as previous_quote_code
    from described
    window by_day as (partition by venue_id, symbol order by day)
),

spelt as (
    select
        venue_id,
        symbol,
        base_code,
        quote_code,
        -- the days before the first list have no other word
        case when previous_day is null then date '1970-01-01' else day end as valid_from
    from compared
    where previous_day is null
        or base_code is distinct from previous_base_code
        or quote_code is distinct from previous_quote_code
),

final as (
    select
        *,
        lead(valid_from, 1, date '9999-12-31')
            over (partition by venue_id, symbol order by valid_from) as valid_to
    from spelt

    union all

    select
        market.venue_id,
        market.symbol,
        market.base_code,
        market.quote_code,
        date '1970-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from market
    left join spelt on market.venue_id = spelt.venue_id and market.symbol = spelt.symbol
    where spelt.symbol is null
)

select * from final
