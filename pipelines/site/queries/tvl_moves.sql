select
    growth.protocol_id,
    growth.symbol,
    growth.name,
    growth.day,
    growth.tvl_usd,
    growth.tvl_growth_7d_frac,
    growth.tvl_change_7d_usd,
    growth.usd_inflow_7d_usd,
    growth.price_effect_7d_usd
from marts.protocol_growth_daily_latest as growth
inner join marts.dim_protocol as protocol on growth.protocol_id = protocol.protocol_id
-- of a family its total, and not its parts beside it
where growth.tvl_change_7d_usd is not null and protocol.family_id is null
order by abs(growth.tvl_growth_7d_frac) desc nulls last, growth.protocol_id
