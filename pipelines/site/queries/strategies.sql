select
    replace(strategy_id, '_', ' ') as strategy,
    period,
    definition,
    ret_frac,
    cagr_frac,
    vol_ann,
    sharpe_ann,
    sharpe_ann_se,
    max_drawdown_frac,
    turnover_ann,
    trade_count,
    hit_frac,
    mean_r,
    worst_r,
    day_count
from marts.strategy_summary
order by strategy, period
