select
    screener.asset_id,
    screener.symbol,
    screener.name,
    screener.day,
    screener.sector,
    screener.close_usd,
    screener.ret_1d,
    screener.ret_7d,
    screener.ret_30d,
    screener.trader_grade,
    screener.grade_change_7d,
    screener.investor_grade,
    case screener.signal when 1 then 'long' when -1 then 'short' when 0 then 'flat' end as signal_now,
    screener.held_d,
    screener.mcap_usd,
    valuation.fdv_usd,
    valuation.pf_circ_x,
    screener.volume_usd,
    screener.vol_30d_ann,
    screener.drawdown_frac,
    screener.rsi_14,
    screener.stop_price,
    screener.take_profit_1,
    screener.narrative_ids,
    chains.chain,
    screener.next_event_day,
    screener.next_event_kind
from marts.screener_latest as screener
left join marts.valuation_daily as valuation
    on screener.asset_id = valuation.asset_id and screener.day = valuation.day
left join (
    select coin_asset_id, string_agg(name, ', ' order by name) as chain
    from marts.dim_chain
    where coin_asset_id is not null
    group by coin_asset_id
) as chains
    on screener.asset_id = chains.coin_asset_id
order by screener.mcap_usd desc nulls last, screener.asset_id
