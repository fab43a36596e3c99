-- of: asset_id
select
    asset_id,
    day,
    trader.trader_grade,
    investor.investor_grade
from marts.trader_grade_daily as trader
full join marts.investor_grade_daily as investor using (asset_id, day)
where
    day > (select max(day) from marts.trader_grade_daily) - 365
    or isodow(day) = 7
order by asset_id, day
