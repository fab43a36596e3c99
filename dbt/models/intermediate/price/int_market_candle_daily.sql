-- candles with the assets that the venue's codes meant on that day; unmapped ones stay, with NULLs
with candle as (
    select * from {{ ref('int_market_candle_raw_daily') }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

code as (
    select * from {{ ref('int_market_code') }}
),

alias as (
    select
        source,
        source_id,
        asset_id,
        valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from {{ ref('int_asset_alias') }}
),

quote as (
    select * from {{ ref('int_quote_asset') }}
),

-- which assets a market's codes meant, and when: resolved once per market, not once per candle
base as (
    select
        code.venue_id,
        code.symbol,
        alias.asset_id,
        greatest(code.valid_from, alias.valid_from) as valid_from,
        least(code.valid_to, alias.valid_to) as valid_to
    from code
    inner join alias
        on code.venue_id = alias.source
        and code.base_code = alias.source_id
),

priced_in as (
    select
        code.venue_id,
        code.symbol,
        alias.asset_id,
        greatest(code.valid_from, alias.valid_from) as valid_from,
        least(code.valid_to, alias.valid_to) as valid_to,
        quote.stage
    from code
    inner join alias
        on code.venue_id = alias.source
        and code.quote_code = alias.source_id
    left join quote on alias.asset_id = quote.asset_id
),

final as (
    select
        candle.venue_id,
        candle.symbol,
        candle.day,
        code.base_code,
        code.quote_code,
        base.asset_id as base_asset_id,
        priced_in.asset_id as quote_asset_id,
        priced_in.stage as quote_stage,
        candle.open_quote,
        candle.high_quote,
        candle.low_quote,
        candle.close_quote,
        -- the venue's own average where it can be had, the typical price elsewhere
        coalesce(
            candle.vwap_quote,
            case when candle.volume_base > 0 then candle.volume_quote / candle.volume_base end,
            (candle.high_quote + candle.low_quote + candle.close_quote) / 3
        ) as vwap_quote,
        candle.volume_base,
        coalesce(
            candle.volume_quote,
            candle.volume_base * coalesce(
                candle.vwap_quote,
                (candle.high_quote + candle.low_quote + candle.close_quote) / 3
            )
        ) as volume_quote,
        candle.trade_count,
        coalesce(
            candle.low_quote > 0
            and candle.low_quote <= least(candle.open_quote, candle.close_quote)
            and candle.high_quote >= greatest(candle.open_quote, candle.close_quote),
            false
        ) as is_sane,
        market.exclusion_note is not null as is_excluded_market,
        candle.known_at,
        candle.first_known_at
    from candle
    left join market
        on candle.venue_id = market.venue_id
        and candle.symbol = market.symbol
    left join code
        on candle.venue_id = code.venue_id
        and candle.symbol = code.symbol
        and candle.day >= code.valid_from
        and candle.day < code.valid_to
    left join base
        on candle.venue_id = base.venue_id
        and candle.symbol = base.symbol
        and candle.day >= base.valid_from
        and candle.day < base.valid_to
    left join priced_in
        on candle.venue_id = priced_in.venue_id
        and candle.symbol = priced_in.symbol
        and candle.day >= priced_in.valid_from
        and candle.day < priced_in.valid_to
)

select * from final
