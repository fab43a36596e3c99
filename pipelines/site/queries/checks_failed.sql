select
    check_kind,
    check_name,
    mart,
    severity,
    failed_row_count,
    case when length(detail) > 240 then left(detail, 240) || ' …' else detail end as detail,
    checked_at
from marts.ops_check_result
where not is_passed
order by severity, mart, check_name
