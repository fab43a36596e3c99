select
    count(*) filter (where subject_kind = 'source' and status = 'stale') as stale_source_count,
    count(*) filter (where subject_kind = 'mart' and status = 'stale') as stale_mart_count,
    count(*) filter (where subject_kind = 'column' and status = 'stale') as stale_column_count,
    count(*) filter (where status = 'empty') as empty_count,
    max(newest_day) filter (where subject_kind = 'mart') as newest_day
from marts.ops_freshness
