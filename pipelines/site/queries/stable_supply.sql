with largest as (
    select stablecoin_id, coalesce(symbol, stablecoin_id) as coin, supply_rank
    from marts.stablecoin_supply_daily_latest
    order by supply_rank nulls last, stablecoin_id
    limit 6
)

select
    supply.day,
    coalesce(largest.coin, 'others') as coin,
    coalesce(min(largest.supply_rank), 99) as place,
    sum(supply.supply_usd) as supply_usd
from marts.stablecoin_supply_daily as supply
left join largest on supply.stablecoin_id = largest.stablecoin_id
where isodow(supply.day) = isodow((select max(day) from marts.stablecoin_supply_daily))
group by all
having sum(supply.supply_usd) is not null
order by place, supply.day
