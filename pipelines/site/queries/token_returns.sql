-- of: asset_id
select
    asset_id,
    day,
    ret_1d,
    ret_7d,
    ret_30d,
    ret_90d,
    ret_180d,
    ret_365d,
    vol_30d_ann,
    drawdown_frac,
    max_drawdown_365d,
    sharpe_365d,
    sortino_365d,
    beta_btc_90d,
    corr_btc_90d,
    var95_1d,
    es95_1d
from marts.returns_risk_daily
qualify day = max(day) over (partition by asset_id)
order by asset_id
