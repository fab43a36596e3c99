select
    market.day,
    market.total_mcap_usd,
    market.market_ret_1d,
    market.total_mcap_drawdown_frac,
    market.btc_dominance_frac,
    market.altseason_index,
    market.season_label,
    market.regime,
    market.btc_phase,
    market.rotation_phase,
    market.breadth_above_sma50,
    stable.total_supply_usd,
    stable.net_mint_30d_usd
from marts.market_regime_daily_latest as market
left join marts.stablecoin_market_daily as stable on market.day = stable.day
