with fees as (
    select protocol_id, sum(fees_usd) as fees_30d_usd
    from marts.protocol_fundamentals_daily
    where
        chain_id = '__total__'
        and day > (select max(day) from marts.protocol_growth_daily) - 30
    group by protocol_id
)

select
    growth.protocol_id,
    growth.symbol,
    growth.name,
    growth.day,
    fees.fees_30d_usd,
    growth.fees_growth_30d_frac,
    growth.fees_growth_90d_frac
from marts.protocol_growth_daily_latest as growth
inner join marts.dim_protocol as protocol on growth.protocol_id = protocol.protocol_id
left join fees on growth.protocol_id = fees.protocol_id
-- of a family its total, and not its parts beside it
where growth.fees_growth_30d_frac is not null and protocol.family_id is null
order by abs(growth.fees_growth_30d_frac) desc, growth.protocol_id
