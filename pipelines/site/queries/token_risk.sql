-- of: asset_id
select asset_id, day, drawdown_frac, vol_30d_ann, vol_180d_ann
from marts.returns_risk_daily
where
    day > (select max(day) from marts.returns_risk_daily) - 365
    or isodow(day) = 7
order by asset_id, day
