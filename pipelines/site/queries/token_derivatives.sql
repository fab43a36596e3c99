-- of: asset_id
select asset_id, day, carry_ann_frac, oi_usd
from marts.derivatives_daily
where
    day > (select max(day) from marts.derivatives_daily) - 365
    or isodow(day) = 7
order by asset_id, day
