select
    replace(grade, '_', ' ') as grade_name,
    day,
    horizon_d,
    ic_mean,
    ic_t_stat,
    ic_recent_mean,
    ic_recent_t_stat,
    ic_day_count,
    evidence,
    evidence_basis
from marts.grade_evidence_daily_latest
order by grade desc
