-- E-01: ids that sources use and nobody has mapped, the largest first
{{ config(severity='warn') }}

select * from {{ ref('int_source_id_unmapped') }}
order by size_usd desc nulls last, row_count desc
