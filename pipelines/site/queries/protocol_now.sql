-- of: protocol_id
select
    total.protocol_id,
    total.day,
    total.category,
    growth.tvl_usd,
    growth.tvl_growth_7d_frac,
    growth.tvl_growth_30d_frac,
    growth.usd_inflow_30d_usd,
    growth.price_effect_30d_usd,
    total.fees_usd,
    total.revenue_usd,
    total.earnings_usd,
    total.dex_volume_usd,
    total.apy_base_frac,
    total.chain_count,
    total.hhi_chain,
    protocol.token_asset_id,
    protocol.token_asset_symbol,
    protocol.launch_day
from (
    select * from marts.protocol_fundamentals_daily
    where chain_id = '__total__'
    qualify day = max(day) over (partition by protocol_id)
) as total
left join marts.protocol_growth_daily as growth
    on total.protocol_id = growth.protocol_id and total.day = growth.day
left join marts.dim_protocol as protocol on total.protocol_id = protocol.protocol_id
order by total.protocol_id
