-- of: asset_id
select
    member.asset_id,
    member.narrative_id,
    replace(member.narrative_id, '_', ' ') as narrative,
    member.membership_weight,
    member.valid_from,
    narrative.quadrant,
    narrative.narrative_rank,
    narrative.rs_ratio
from marts.dim_narrative_membership as member
left join marts.narrative_daily_latest as narrative
    on member.narrative_id = narrative.narrative_id
where member.valid_to is null and member.narrative_id <> 'none'
order by member.asset_id, member.membership_weight desc, member.narrative_id
