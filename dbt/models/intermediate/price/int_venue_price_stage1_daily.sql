-- stage 1: bitcoin and ether, by their USD markets alone
with recursive candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

quote_asset as (
    select * from {{ ref('int_quote_asset') }}
),

candidate as (
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
    where quote_asset.stage = 1
),

{{ judged_venues('candidate') }}

select * from final
