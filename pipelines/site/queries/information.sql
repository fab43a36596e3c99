select
    replace(measure, '_', ' ') as measure,
    horizon_d,
    horizon_d || ' days' as horizon,
    statistic_value,
    standard_error,
    t_stat,
    day_count,
    first_measured_day,
    last_measured_day
from marts.signal_quality
where
    measure in ('trader_grade', 'investor_grade', 'trend_score')
    and statistic = 'ic'
    and universe = 'all'
    and period = 'all'
    and statistic_value is not null
order by horizon_d, measure desc
