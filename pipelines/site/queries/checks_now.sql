select
    check_kind,
    severity,
    count(*) as check_count,
    count(*) filter (where not is_passed) as failed_count
from marts.ops_check_result
group by check_kind, severity
order by failed_count desc, check_kind, severity
