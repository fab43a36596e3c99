select
    card.stablecoin_id,
    card.symbol,
    card.name,
    card.mechanism,
    card.peg_ref,
    card.issuer,
    card.day,
    card.supply_usd,
    supply.net_mint_30d_usd,
    card.share_frac,
    card.price_usd,
    card.dev_bps,
    card.time_off_peg_30d_frac,
    card.depeg_count,
    card.worst_bps,
    card.chain_count,
    card.dead_from
from marts.stablecoin_risk_card as card
left join marts.stablecoin_supply_daily as supply
    on card.stablecoin_id = supply.stablecoin_id and card.day = supply.day
order by card.supply_usd desc nulls last, card.stablecoin_id
