{{ config(materialized='replaced_view') }}

-- amounts as floating point from here on
with candle as (
    select * from {{ ref('stg_spot__candle') }}
),

own as (
    select
        venue_id,
        symbol,
        day,
        cast(open_quote as double) as open_quote,
        cast(high_quote as double) as high_quote,
        cast(low_quote as double) as low_quote,
        cast(close_quote as double) as close_quote,
        cast(vwap_quote as double) as vwap_quote,
        cast(volume_base as double) as volume_base,
        cast(volume_quote as double) as volume_quote,
        cast(trade_count as bigint) as trade_count,
        known_at,
        first_known_at
    from candle
),

-- of several lengths the one with the most of the day, and of those the longest
rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
    qualify row_number() over (
        partition by venue_id, symbol, day
        order by completeness_frac desc, length_s desc
    ) = 1
),

-- the venue's own day is what it stands by; where it has none its hours say what the day was
rolled_up as (
    select rollup.*
    from rollup
    left join own
        on rollup.venue_id = own.venue_id
        and rollup.symbol = own.symbol
        and rollup.day = own.day
    where own.day is null
),

final as (
    select
        *,
        false as is_rolled_up,
        cast(null as double) as completeness_frac
    from own

    union all

    select
        venue_id,
        symbol,
        day,
        open_quote,
        high_quote,
        low_quote,
        close_quote,
        vwap_quote,
        volume_base,
        volume_quote,
        trade_count,
        known_at,
        first_known_at,
        true as is_rolled_up,
        completeness_frac
    from rolled_up
)

select * from final
