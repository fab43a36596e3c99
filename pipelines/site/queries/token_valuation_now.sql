-- of: asset_id
select
    asset_id,
    day,
    mcap_usd,
    fdv_usd,
    float_frac,
    supply_circulating_native,
    fees_ann_usd,
    revenue_ann_usd,
    pf_circ_x,
    ps_circ_x,
    mcap_tvl_x,
    volume_to_mcap_x,
    token_to_equity_ratio
from marts.valuation_daily
qualify day = max(day) over (partition by asset_id)
order by asset_id
