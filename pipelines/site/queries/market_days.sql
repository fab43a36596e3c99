select
    day,
    total_mcap_usd,
    total_mcap_sma_200_usd,
    btc_dominance_frac,
    eth_dominance_frac,
    alt_share_frac,
    stablecoin_share_frac,
    altseason_index,
    breadth_above_sma50,
    pct_grade_high
from marts.market_regime_daily
where isodow(day) = isodow((select max(day) from marts.market_regime_daily))
order by day
