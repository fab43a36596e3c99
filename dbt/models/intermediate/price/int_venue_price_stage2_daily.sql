-- stage 2: the money that others are quoted in, by its USD markets and by what bitcoin and
-- ether cost in it: P(stable) = close(BTC/USD) / close(BTC/stable)
with recursive candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

quote_asset as (
    select * from {{ ref('int_quote_asset') }}
),

stage1 as (
    select asset_id, day, max(canonical_close_usd) as close_usd
    from {{ ref('int_venue_price_stage1_daily') }}
    where canonical_close_usd is not null
    group by asset_id, day
),

direct as (
    select
        candle.base_asset_id as asset_id,
        candle.venue_id,
        candle.symbol,
        candle.day,
        false as is_implied,
        'market' as quote_basis,
        candle.open_quote as open_usd,
        candle.high_quote as high_usd,
        candle.low_quote as low_usd,
        candle.close_quote as close_usd,
        candle.vwap_quote as vwap_usd,
        candle.volume_base,
        candle.volume_quote as volume_usd,
        candle.trade_count,
        candle.first_known_at,
        case
            when candle.is_excluded_market then 'excluded_market'
            when candle.quote_asset_id is null then 'quote_not_mapped'
            when coalesce(candle.quote_stage, -1) != 0 then 'quote_not_used'
            when not candle.is_sane then 'bad_ohlc'
        end as unusable_reason
    from candle
    inner join quote_asset on candle.base_asset_id = quote_asset.asset_id
    where quote_asset.stage = 2
),

-- highs and lows of bitcoin in dollars and in the coin are not simultaneous: no high, no low
implied as (
    select
        candle.quote_asset_id as asset_id,
        candle.venue_id,
        candle.symbol,
        candle.day,
        true as is_implied,
        'market' as quote_basis,
        case
            when candle.open_quote > 0 then day_before.close_usd / candle.open_quote
        end as open_usd,
        cast(null as double) as high_usd,
        cast(null as double) as low_usd,
        case when candle.close_quote > 0 then stage1.close_usd / candle.close_quote end as close_usd,
        case when candle.close_quote > 0 then stage1.close_usd / candle.close_quote end as vwap_usd,
        candle.volume_quote as volume_base,
        case
            when candle.close_quote > 0
                then candle.volume_quote * (stage1.close_usd / candle.close_quote)
        end as volume_usd,
        candle.trade_count,
        candle.first_known_at,
        case
            when candle.is_excluded_market then 'excluded_market'
            when not candle.is_sane then 'bad_ohlc'
            when stage1.close_usd is null then 'no_quote_price'
        end as unusable_reason
    from candle
    inner join quote_asset as base on candle.base_asset_id = base.asset_id
    left join stage1
        on candle.base_asset_id = stage1.asset_id
        and candle.day = stage1.day
    left join stage1 as day_before
        on candle.base_asset_id = day_before.asset_id
        and candle.day = day_before.day + 1
    where base.stage = 1 and candle.quote_stage = 2
),

candidate as (
    select * from direct
    union all
    select * from implied
),

{{ judged_venues('candidate') }}

select * from final
