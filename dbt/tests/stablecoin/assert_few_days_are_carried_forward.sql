{{ config(severity='warn') }}

select
    stablecoin_id,
    sum(case when is_extrapolated then 1 else 0 end) as carried_count,
    count(is_extrapolated) as day_count
from {{ ref('stablecoin_supply_daily') }}
group by stablecoin_id
having sum(case when is_extrapolated then 1 else 0 end) >= 0.05 * count(is_extrapolated)
    and count(is_extrapolated) > 0
