-- of: chain_id
select chain_id, day, tvl_usd, stables_usd, app_fees_usd as fees_usd, app_revenue_usd as revenue_usd, dex_volume_usd
from marts.chain_daily
where
    day > (select max(day) from marts.chain_daily) - 365
    or isodow(day) = 7
order by chain_id, day
