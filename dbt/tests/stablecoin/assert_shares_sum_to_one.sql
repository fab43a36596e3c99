-- E-08, S-4: the shares of a day are parts of one whole
select day, sum(share_frac) as share_sum
from {{ ref('stablecoin_supply_daily') }}
where share_frac is not null
group by day
having abs(sum(share_frac) - 1) > 1e-9
