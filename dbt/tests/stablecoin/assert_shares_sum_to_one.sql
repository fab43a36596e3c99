select day, sum(share_frac) as share_sum
from {{ ref('stablecoin_supply_daily') }}
where share_frac is not null
group by day
having abs(sum(share_frac) - 1) > {{ rounding() }}
