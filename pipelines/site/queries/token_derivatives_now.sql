-- of: asset_id
select
    asset_id,
    day,
    carry_ann_frac,
    funding_z_90d,
    oi_usd,
    oi_chg_7d,
    oi_to_volume,
    basis_frac
from marts.derivatives_daily
qualify day = max(day) over (partition by asset_id)
order by asset_id
