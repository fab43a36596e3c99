-- of: narrative_id
select
    member.narrative_id,
    member.asset_id,
    member.symbol,
    member.name,
    member.membership_weight,
    member.valid_from,
    screener.close_usd,
    screener.ret_7d,
    screener.ret_30d,
    screener.trader_grade,
    screener.mcap_usd
from marts.dim_narrative_membership as member
left join marts.screener_latest as screener on member.asset_id = screener.asset_id
where member.valid_to is null
order by member.narrative_id, screener.mcap_usd desc nulls last, member.asset_id
