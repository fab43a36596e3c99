-- of: chain_id
select *
from marts.chain_daily
qualify day = max(day) over (partition by chain_id)
order by chain_id
