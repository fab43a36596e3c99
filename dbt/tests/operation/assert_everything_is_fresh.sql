{{ config(severity='warn') }}

select * from {{ ref('ops_freshness') }}
where status in ('late', 'stale')
