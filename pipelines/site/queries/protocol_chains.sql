-- of: protocol_id
select
    protocol_id,
    chain_id,
    chain_name,
    day,
    tvl_usd,
    fees_usd,
    revenue_usd,
    dex_volume_usd,
    rank_in_chain_category
from marts.protocol_fundamentals_daily
where chain_id <> '__total__'
qualify day = max(day) over (partition by protocol_id)
order by protocol_id, tvl_usd desc nulls last, chain_id
