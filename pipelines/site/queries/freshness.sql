select subject_kind, subject, status, newest_day, lag_h, declared_lag_h
from marts.ops_freshness
where subject_kind <> 'column' or status <> 'fresh'
order by
    case status when 'stale' then 0 when 'empty' then 1 else 2 end,
    case subject_kind when 'source' then 0 when 'mart' then 1 else 2 end,
    subject
