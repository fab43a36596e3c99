-- E-11: prices whose newest day is too old are not worth publishing
select * from {{ ref('ops_freshness') }}
where subject_kind = 'mart' and subject = 'price_daily' and status = 'stale'
