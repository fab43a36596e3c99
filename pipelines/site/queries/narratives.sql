select
    narrative_id,
    replace(narrative_id, '_', ' ') as narrative,
    day,
    narrative_rank,
    rank_change_28d,
    quadrant,
    days_in_quadrant,
    rs_ratio,
    rs_momentum,
    basket_ret_1d,
    mcap_usd,
    narrative_share_change_30d,
    volume_z_30d,
    breadth_above_sma50,
    mean_pair_corr_30d,
    member_count
from marts.narrative_daily_latest
order by narrative_rank nulls last, narrative_id
