select
    subject_kind,
    status,
    count(*) as subject_count,
    min(newest_day) as oldest_day,
    max(newest_day) as newest_day,
    max(lag_h) as lag_h
from marts.ops_freshness
group by subject_kind, status
order by
    case subject_kind when 'source' then 0 when 'mart' then 1 else 2 end,
    case status when 'stale' then 0 when 'empty' then 1 else 2 end
