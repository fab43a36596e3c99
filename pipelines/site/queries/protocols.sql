select
    growth.protocol_id,
    growth.symbol,
    growth.name,
    protocol.category,
    growth.day,
    growth.tvl_usd,
    growth.tvl_growth_7d_frac,
    growth.tvl_growth_30d_frac,
    growth.usd_inflow_30d_usd,
    growth.fees_growth_30d_frac,
    growth.fees_growth_90d_frac,
    protocol.token_asset_id,
    protocol.token_asset_symbol
from (
    select * from marts.protocol_growth_daily
    qualify day = max(day) over (partition by protocol_id)
) as growth
left join marts.dim_protocol as protocol on growth.protocol_id = protocol.protocol_id
order by growth.tvl_usd desc nulls last, growth.protocol_id
