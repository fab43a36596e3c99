-- of: entity_id
select
    coverage.entity_id,
    coverage.mart,
    count(*) as column_count,
    string_agg(coverage.column_name, ', ' order by coverage.column_name) as missing_columns,
    string_agg(distinct coverage.limiting_source, '; ') as needed_source
from marts.ops_coverage as coverage
where coverage.null_frac = 1
group by coverage.entity_id, coverage.mart
order by coverage.entity_id, coverage.mart
