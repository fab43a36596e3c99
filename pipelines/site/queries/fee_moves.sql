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
left join fees on growth.protocol_id = fees.protocol_id
where growth.fees_growth_30d_frac is not null
order by abs(growth.fees_growth_30d_frac) desc, growth.protocol_id
