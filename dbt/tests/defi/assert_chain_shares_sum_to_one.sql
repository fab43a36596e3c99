-- E-08: the shares of a day's tracked chains are one whole, but for a chain of at most 1 % that is missing
select day, sum(tvl_share_frac) as share_frac
from {{ ref('chain_daily') }}
where tvl_share_frac is not null
group by day
having abs(sum(tvl_share_frac) - 1) > 1e-9
