-- of: asset_id
select
    asset_id,
    day,
    effective_day,
    case signal when 1 then 'long' when -1 then 'short' when 0 then 'flat' end as signal_now,
    entry_usd,
    stop_price,
    stop_dist_frac,
    replace(no_stop_reason, '_', ' ') as no_stop_reason,
    take_profit_1,
    take_profit_2,
    max_position_frac,
    size_by_risk_frac,
    size_in_portfolio_frac,
    liquidity_cap_usd,
    position_day,
    position_entry_usd,
    position_stop_usd,
    r_multiple
from marts.risk_plan_daily_latest
order by asset_id
