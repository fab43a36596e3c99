-- of: venue_id
select venue_id, asset_id, symbol, name, day, close_usd, volume_usd, dev_bps, is_accepted
from marts.venue_quality_daily_latest
qualify row_number() over (partition by venue_id order by volume_usd desc nulls last, asset_id) <= 20
order by venue_id, volume_usd desc nulls last, asset_id
