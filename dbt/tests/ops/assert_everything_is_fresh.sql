-- E-11: sources and marts that lag behind what their sources declare
{{ config(severity='warn') }}

select * from {{ ref('ops_freshness') }}
where status in ('late', 'stale')
