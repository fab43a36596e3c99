select
    protocol_id,
    symbol,
    name,
    day,
    tvl_usd,
    tvl_growth_7d_frac,
    tvl_change_7d_usd,
    usd_inflow_7d_usd,
    price_effect_7d_usd,
    fees_growth_30d_frac
from marts.protocol_growth_daily_latest
where tvl_change_7d_usd is not null
order by abs(tvl_growth_7d_frac) desc nulls last, protocol_id
