-- of: stablecoin_id
select stablecoin_id, day, dev_bps, dev_low_bps
from marts.stablecoin_peg_daily
where
    day > (select max(day) from marts.stablecoin_peg_daily) - 365
    or isodow(day) = 7
    or abs(dev_bps) > 50
order by stablecoin_id, day
