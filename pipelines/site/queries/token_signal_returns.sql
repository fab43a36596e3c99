-- of: asset_id
select asset_id, day, strat_index, hold_index
from marts.signal_performance_daily
where
    day > (select max(day) from marts.signal_performance_daily) - 365
    or isodow(day) = 7
order by asset_id, day
