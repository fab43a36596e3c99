-- the days on which an asset has a row: from its first candle to its delisting, without gaps (E-03)
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

newest as (
    select max(day) as day from candle
),

traded as (
    select
        candle.base_asset_id as asset_id,
        candle.venue_id,
        candle.symbol,
        min(candle.day) as first_day,
        max(candle.day) as last_day
    from candle
    inner join asset on candle.base_asset_id = asset.asset_id
    where asset.asset_class not in ('fiat', 'equity')
    group by candle.base_asset_id, candle.venue_id, candle.symbol
),

-- a market's code can have gone over to another asset: then it trades for that one
newest_holder as (
    select venue_id, symbol, asset_id
    from traded
    qualify row_number() over (partition by venue_id, symbol order by last_day desc, asset_id) = 1
),

market_end as (
    select
        traded.asset_id,
        traded.first_day,
        case
            when newest_holder.asset_id is null then traded.last_day
            when coalesce(market.is_trading, true) then newest.day
            -- seen trading after its last candle: those days are missing, not over
            when market.was_seen_trading
                then least(newest.day, greatest(traded.last_day, market.halted_seen_day - 1))
            else traded.last_day
        end as last_day,
        traded.last_day as last_traded_day
    from traded
    cross join newest
    left join newest_holder
        on traded.venue_id = newest_holder.venue_id
        and traded.symbol = newest_holder.symbol
        and traded.asset_id = newest_holder.asset_id
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
