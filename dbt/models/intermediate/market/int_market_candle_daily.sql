-- candles with the assets that the venue's codes meant on that day; unmapped ones stay, with NULLs
with candle as (
    select * from {{ ref('int_market_candle_raw_daily') }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

quote as (
    select * from {{ ref('int_quote_asset') }}
),

final as (
    select
        candle.venue_id,
        candle.symbol,
        candle.day,
        market.base_code,
        market.quote_code,
        base_alias.asset_id as base_asset_id,
        quote_alias.asset_id as quote_asset_id,
        quote.stage as quote_stage,
        candle.open_quote,
        candle.high_quote,
        candle.low_quote,
        candle.close_quote,
        -- the venue's own average where it can be had, the typical price elsewhere (P-2)
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
    left join alias as base_alias
        on candle.venue_id = base_alias.source
        and market.base_code = base_alias.source_id
        and candle.day >= base_alias.valid_from
        and (base_alias.valid_to is null or candle.day < base_alias.valid_to)
    left join alias as quote_alias
        on candle.venue_id = quote_alias.source
        and market.quote_code = quote_alias.source_id
        and candle.day >= quote_alias.valid_from
        and (quote_alias.valid_to is null or candle.day < quote_alias.valid_to)
    left join quote on quote_alias.asset_id = quote.asset_id
)

select * from final
