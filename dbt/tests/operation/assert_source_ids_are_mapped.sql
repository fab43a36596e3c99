{{ config(severity='warn') }}

select * from {{ ref('int_source_id_unmapped') }}
order by size_usd desc nulls last, row_count desc
