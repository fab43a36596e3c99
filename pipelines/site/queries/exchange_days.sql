-- of: exchange_id
select exchange_id, day, spot_volume_usd, spot_volume_share_frac, token_mcap_usd as mcap_usd, token_fdv_usd as fdv_usd
from marts.exchange_token_daily
where
    day > (select max(day) from marts.exchange_token_daily) - 365
    or isodow(day) = 7
order by exchange_id, day
