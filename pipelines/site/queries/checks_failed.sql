select check_kind, check_name, mart, severity, failed_row_count, detail, checked_at
from marts.ops_check_result
where not is_passed
order by severity, mart, check_name
