-- of: asset_id
select
    asset_id,
    level_usd as usd,
    side,
    side || ' (touched ' || touch_count || ' times)' as label
from marts.levels_daily_latest
where dist_atr between -8 and 8
qualify row_number() over (
    partition by asset_id, side
    order by is_nearest desc, strength desc, level_id
) <= 3
order by asset_id, level_usd
