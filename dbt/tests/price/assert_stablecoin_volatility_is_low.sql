-- R-3: a stablecoin that moves more than this has lost its peg, or its price is wrong
{{ config(severity='warn') }}

select
    returns_risk.asset_id,
    returns_risk.day,
    returns_risk.vol_30d_ann
from {{ ref('returns_risk_daily') }} as returns_risk
inner join {{ ref('dim_stablecoin') }} as stablecoin on returns_risk.asset_id = stablecoin.asset_id
where returns_risk.vol_30d_ann > 0.5
    and stablecoin.is_current
    and stablecoin.peg_ref = 'USD'
    and not stablecoin.is_rebasing
    and not stablecoin.is_yield_bearing
