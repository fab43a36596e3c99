{{ config(severity='warn') }}

select protocol_id, day, tvl_usd, tvl_reported_usd
from {{ ref('protocol_fundamentals_daily') }}
where chain_id = '__total__'
    and not is_partial
    and abs(tvl_usd - tvl_reported_usd) > 0.01 * greatest(tvl_usd, tvl_reported_usd)
