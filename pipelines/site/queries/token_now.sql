-- of: asset_id
select
    price.asset_id,
    price.day,
    price.close_usd,
    price.volume_usd,
    price.price_quality,
    price.n_venues,
    returns.ret_1d,
    returns.ret_7d,
    returns.ret_30d,
    trader.trader_grade,
    trader.grade_rank,
    trader.grade_change_7d,
    trader.evidence,
    investor.investor_grade,
    case signals.signal when 1 then 'long' when -1 then 'short' when 0 then 'flat' end as signal_now,
    signals.held_d,
    valuation.mcap_usd
from (
    select *
    from marts.price_daily
    qualify day = max(day) over (partition by asset_id)
) as price
left join marts.returns_risk_daily as returns
    on price.asset_id = returns.asset_id and price.day = returns.day
left join marts.trader_grade_daily as trader
    on price.asset_id = trader.asset_id and price.day = trader.day
left join marts.investor_grade_daily as investor
    on price.asset_id = investor.asset_id and price.day = investor.day
left join marts.signal_daily as signals
    on price.asset_id = signals.asset_id and price.day = signals.day
left join marts.valuation_daily as valuation
    on price.asset_id = valuation.asset_id and price.day = valuation.day
order by price.asset_id
