-- of: stablecoin_id
with ranked as (
    select
        stablecoin_id,
        chain,
        row_number() over (
            partition by stablecoin_id
            order by max_by(supply_usd, day) desc nulls last, chain
        ) as place
    from marts.stablecoin_chain_daily
    group by stablecoin_id, chain
)

select
    days.stablecoin_id,
    days.day,
    case when ranked.place <= 6 then days.chain else 'others' end as chain,
    min(least(ranked.place, 7)) as place,
    sum(days.supply_usd) as supply_usd
from marts.stablecoin_chain_daily as days
inner join ranked on days.stablecoin_id = ranked.stablecoin_id and days.chain = ranked.chain
where isodow(days.day) = isodow((select max(day) from marts.stablecoin_chain_daily))
group by all
having sum(days.supply_usd) is not null
order by days.stablecoin_id, place, days.day
