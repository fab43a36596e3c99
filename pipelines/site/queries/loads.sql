select
    source,
    table_name,
    status,
    fetched_at,
    landed_row_count,
    quarantined_row_count,
    error_count,
    request_count,
    first_error
from marts.ops_load_log
qualify fetched_at = max(fetched_at) over (partition by source, table_name)
order by case status when 'ok' then 1 else 0 end, source, table_name
