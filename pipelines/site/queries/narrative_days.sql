-- of: narrative_id
select
    narrative.narrative_id,
    narrative.day,
    narrative.basket_index,
    market.market_index,
    narrative.rs_ratio,
    narrative.rs_momentum,
    narrative.mcap_usd
from marts.narrative_daily as narrative
left join marts.market_regime_daily as market on narrative.day = market.day
where
    narrative.day > (select max(day) from marts.narrative_daily) - 365
    or isodow(narrative.day) = 7
order by narrative.narrative_id, narrative.day
