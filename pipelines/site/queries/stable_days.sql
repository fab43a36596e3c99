-- of: stablecoin_id
select stablecoin_id, day, supply_usd, supply_par_usd
from marts.stablecoin_supply_daily
where
    day > (select max(day) from marts.stablecoin_supply_daily) - 365
    or isodow(day) = 7
order by stablecoin_id, day
