-- of: chain_id
select
    chain_id,
    protocol_id,
    symbol,
    name,
    category,
    day,
    tvl_usd,
    fees_usd,
    rank_in_chain_category
from marts.protocol_fundamentals_daily
where not is_family_total
qualify day = max(day) over (partition by chain_id)
order by chain_id, tvl_usd desc nulls last, protocol_id
