select
    strategy_id,
    day,
    equity
from marts.strategy_performance_daily
where
    isodow(day) = 7
    or day = (select max(day) from marts.strategy_performance_daily)
order by strategy_id, day
