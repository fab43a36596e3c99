select
    chain_id,
    symbol,
    name,
    day,
    tvl_usd_ffill,
    tvl_share_frac,
    tvl_growth_30d_frac,
    stables_usd,
    stables_change_30d_usd,
    gas_fees_usd,
    app_fees_usd,
    dex_volume_usd,
    active_addresses,
    tvl_rank
from marts.chain_daily
qualify day = max(day) over (partition by chain_id)
order by tvl_usd_ffill desc nulls last, chain_id
