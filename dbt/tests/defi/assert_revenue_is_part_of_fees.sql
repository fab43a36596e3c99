-- V-8, V-11: revenue above the fees it is taken from, or holders' part above the revenue
{{ config(severity='warn') }}

select protocol_id, day, fees_usd, revenue_usd, holders_revenue_usd
from {{ ref('protocol_fundamentals_daily') }}
where chain_id = '__total__'
    and (revenue_usd > 1.005 * fees_usd or holders_revenue_usd > 1.005 * revenue_usd)
