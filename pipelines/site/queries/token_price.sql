-- of: asset_id
select asset_id, day, close_usd
from marts.price_daily
where
    day > (select max(day) from marts.price_daily) - 365
    or isodow(day) = 7
order by asset_id, day
