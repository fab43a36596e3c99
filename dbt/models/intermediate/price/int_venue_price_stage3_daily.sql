-- stage 3: everything that the first two stages had no market for, by whatever quote has
-- a price of its own: close_usd = close × P(quote). On days without a USD market that holds for
-- bitcoin, ether and the quote coins too: what prices their quote then does not come from them.
with recursive candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

quote_price as (
    select * from {{ ref('int_quote_price_daily') }}
),

-- a day on which an earlier stage had venues to judge is judged, whatever came out
judged_day as (
    select asset_id, day
    from {{ ref('int_venue_price_stage1_daily') }}
    where is_eligible
    union
    select asset_id, day
    from {{ ref('int_venue_price_stage2_daily') }}
    where is_eligible
),

open_candle as (
    select candle.*
    from candle
    left join judged_day
        on candle.base_asset_id = judged_day.asset_id
        and candle.day = judged_day.day
    where candle.base_asset_id is not null and judged_day.asset_id is null
),

candidate as (
    select
        open_candle.base_asset_id as asset_id,
        open_candle.venue_id,
        open_candle.symbol,
        open_candle.day,
        -- the volume is the asset's own, whatever it is quoted in
        false as is_implied,
        case
            when quote_price.price_method in ('reference', 'parity') then quote_price.price_method
            else 'market'
        end as quote_basis,
        -- the day opens at the quote's price of the evening before
        open_candle.open_quote * coalesce(day_before.price_usd, quote_price.price_usd) as open_usd,
        -- a high in bitcoin is no high in dollars: bitcoin moves within the day
        case
            when open_candle.quote_stage != 1 then open_candle.high_quote * quote_price.price_usd
        end as high_usd,
        case
            when open_candle.quote_stage != 1 then open_candle.low_quote * quote_price.price_usd
        end as low_usd,
        open_candle.close_quote * quote_price.price_usd as close_usd,
        open_candle.vwap_quote * quote_price.price_usd as vwap_usd,
        open_candle.volume_base,
        open_candle.volume_quote * quote_price.price_usd as volume_usd,
        open_candle.trade_count,
        open_candle.first_known_at,
        case
            when open_candle.is_excluded_market then 'excluded_market'
            when open_candle.quote_asset_id is null then 'quote_not_mapped'
            when open_candle.quote_stage is null then 'quote_not_used'
            when not open_candle.is_sane then 'bad_ohlc'
            when quote_price.price_usd is null then 'no_quote_price'
        end as unusable_reason
    from open_candle
    left join quote_price
        on open_candle.quote_asset_id = quote_price.asset_id
        and open_candle.day = quote_price.day
    left join quote_price as day_before
        on open_candle.quote_asset_id = day_before.asset_id
        and open_candle.day = day_before.day + 1
),

{{ judged_venues('candidate') }}

select * from final
