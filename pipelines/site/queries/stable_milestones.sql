-- of: stablecoin_id
select stablecoin_id, threshold_usd, reached_day, days_since_launch, is_left_censored
from marts.stablecoin_milestone
order by stablecoin_id, threshold_usd
