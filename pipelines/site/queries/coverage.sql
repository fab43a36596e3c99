select
    mart,
    column_name,
    count(*) as entity_count,
    count(*) filter (where null_frac = 1) as without_count,
    1 - sum(null_frac * row_count) / sum(row_count) as known_frac,
    min(first_day) as first_day,
    max(last_day) as last_day,
    min(limiting_source) as limiting_source
from marts.ops_coverage
group by mart, column_name
having sum(row_count) > 0
order by mart, column_name
