-- of: asset_id
select
    asset_id,
    day,
    replace(factor_group, '_grade', '') as factor_group,
    replace(factor, '_', ' ') as factor,
    factor_value,
    xs_pctile,
    ts_pctile,
    score,
    weight_frac,
    contribution,
    replace(no_share_reason, '_', ' ') as no_share_reason
from marts.grade_components
where
    grade = 'trader_grade'
    and day = (select max(day) from marts.grade_components)
order by asset_id, contribution desc nulls last, factor
