-- of: stablecoin_id
select *
from marts.stablecoin_risk_card
order by stablecoin_id
