select
    exchange_id,
    exchange_id as exchange,
    day,
    token_asset_id,
    token_asset_symbol,
    token_mcap_usd,
    token_fdv_usd,
    spot_volume_usd,
    spot_volume_share_frac,
    chain_tvl_usd_ffill,
    chain_stables_usd,
    equity_mcap_usd,
    token_to_equity_ratio
from marts.exchange_token_daily
qualify day = max(day) over (partition by exchange_id)
order by spot_volume_usd desc nulls last, exchange_id
