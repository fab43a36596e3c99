select day, sum(tvl_share_frac) as share_frac
from {{ ref('chain_daily') }}
where tvl_share_frac is not null
group by day
having abs(sum(tvl_share_frac) - 1) > {{ rounding() }}
