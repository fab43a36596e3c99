-- of: protocol_id
select protocol_id, day, tvl_usd, fees_usd, revenue_usd, dex_volume_usd
from marts.protocol_fundamentals_daily
where
    chain_id = '__total__'
    and (
        day > (select max(day) from marts.protocol_fundamentals_daily) - 365
        or isodow(day) = 7
    )
order by protocol_id, day
