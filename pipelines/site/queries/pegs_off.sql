select
    peg.stablecoin_id,
    peg.symbol,
    peg.name,
    peg.day,
    peg.price_usd,
    peg.dev_bps,
    peg.dev_low_bps,
    peg.time_off_peg_30d_frac,
    card.supply_usd,
    card.is_depeg_open,
    peg.price_quality
from marts.stablecoin_peg_daily_latest as peg
left join marts.stablecoin_risk_card as card on peg.stablecoin_id = card.stablecoin_id
where abs(peg.dev_bps) >= 10 or peg.time_off_peg_30d_frac > 0 or card.is_depeg_open
order by abs(peg.dev_bps) desc nulls last, peg.stablecoin_id
