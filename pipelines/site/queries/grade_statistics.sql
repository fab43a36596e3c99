select
    replace(measure, '_', ' ') as measure,
    replace(universe, '_', ' ') as universe,
    period,
    horizon_d,
    max(statistic_value) filter (where statistic = 'ic') as ic,
    max(t_stat) filter (where statistic = 'ic') as ic_t_stat,
    max(statistic_value) filter (where statistic = 'ic_positive_frac') as ic_positive_frac,
    max(statistic_value) filter (where statistic = 'hit_frac') as hit_frac,
    max(statistic_value) filter (where statistic = 'spread_median_ret') as spread_median_ret,
    max(statistic_value) filter (where statistic = 'spread_net_ret') as spread_net_ret,
    max(standard_error) filter (where statistic = 'spread_net_ret') as spread_net_ret_se,
    max(statistic_value) filter (where statistic = 'spread_funded_ret') as spread_funded_ret,
    max(day_count) as day_count
from marts.signal_quality
where measure_kind in ('grade', 'signal')
group by all
order by measure desc, universe, period, horizon_d
