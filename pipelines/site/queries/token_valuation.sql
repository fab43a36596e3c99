-- of: asset_id
select asset_id, day, mcap_usd, fdv_usd, pf_circ_x, ps_circ_x
from marts.valuation_daily
where
    day > (select max(day) from marts.valuation_daily) - 365
    or isodow(day) = 7
order by asset_id, day
