select
    case quantile when 1 then 'lowest' when 5 then 'highest' else quantile::varchar end as fifth,
    statistic_value,
    standard_error,
    day_count
from marts.signal_quality
where
    measure = 'trader_grade'
    and statistic = 'quantile_ret'
    and universe = 'all'
    and period = 'all'
    and horizon_d = 7
    and statistic_value is not null
order by quantile
