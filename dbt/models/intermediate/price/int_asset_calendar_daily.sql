-- the days on which an asset has a row: from its first candle to its delisting, without gaps.
-- A code that goes over to another asset does not end the one that had it: it may trade on under a
-- new code, and whether it will is not known on the days between. They are missing, as a halt's
-- are, until an event says that it was delisted or died.
with candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

token_event as (
    select * from {{ ref('int_token_event') }}
),

quote_asset as (
    select * from {{ ref('int_quote_asset') }}
),

newest as (
    select max(day) as day from candle
),

-- a quote coin is priced by what bitcoin and ether cost in it, too: those markets are its own
priced as (
    select base_asset_id as asset_id, venue_id, symbol, day
    from candle

    union all

    select candle.quote_asset_id as asset_id, candle.venue_id, candle.symbol, candle.day
    from candle
    inner join quote_asset on candle.base_asset_id = quote_asset.asset_id
    where quote_asset.stage = 1 and candle.quote_stage = 2
),

traded as (
    select
        priced.asset_id,
        priced.venue_id,
        priced.symbol,
        min(priced.day) as first_day,
        max(priced.day) as last_day
    from priced
    inner join asset on priced.asset_id = asset.asset_id
    where asset.asset_class not in ('fiat', 'equity')
    group by priced.asset_id, priced.venue_id, priced.symbol
),

market_end as (
    select
        traded.asset_id,
        traded.first_day,
        case
            when coalesce(market.is_trading, true) then newest.day
            -- seen trading after its last candle: those days are missing, not over
            when market.was_seen_trading
                then least(newest.day, greatest(traded.last_day, market.halted_seen_day - 1))
            else traded.last_day
        end as last_day,
        traded.last_day as last_traded_day
    from traded
    cross join newest
    left join market
        on traded.venue_id = market.venue_id
        and traded.symbol = market.symbol
),

ending as (
    select asset_id, max(effective_day) as effective_day
    from token_event
    where kind in ('delist', 'dead')
    group by asset_id
),

listing as (
    select
        market_end.asset_id,
        min(market_end.first_day) as first_day,
        case
            when ending.effective_day is null then max(market_end.last_day)
            else least(
                max(market_end.last_day),
                greatest(max(market_end.last_traded_day), ending.effective_day - 1)
            )
        end as last_day
    from market_end
    left join ending on market_end.asset_id = ending.asset_id
    group by market_end.asset_id, ending.effective_day
),

final as (
    {{ day_spine('listing', ['asset_id', 'first_day', 'last_day'], 'first_day', 'last_day') }}
)

select * from final
