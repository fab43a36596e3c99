select day, ic_recent_mean, ic_mean
from marts.grade_evidence_daily
where grade = 'trader_grade'
order by day
