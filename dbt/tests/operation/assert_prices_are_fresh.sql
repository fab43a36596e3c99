select * from {{ ref('ops_freshness') }}
where subject_kind = 'mart' and subject = 'price_daily' and status = 'stale'
