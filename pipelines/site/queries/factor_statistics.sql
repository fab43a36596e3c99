select
    measure_kind,
    replace(measure, '_', ' ') as measure,
    max(statistic_value) filter (where statistic = 'ic') as ic,
    max(standard_error) filter (where statistic = 'ic') as ic_se,
    max(t_stat) filter (where statistic = 'ic') as ic_t_stat,
    max(statistic_value) filter (where statistic = 'spread_net_ret') as spread_net_ret,
    max(standard_error) filter (where statistic = 'spread_net_ret') as spread_net_ret_se,
    max(day_count) as day_count
from marts.signal_quality
where measure_kind in ('factor', 'group') and universe = 'all' and period = 'all' and horizon_d = 7
group by all
order by ic_t_stat desc nulls last, measure
