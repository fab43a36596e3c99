select
    asset_id,
    max_by(symbol, day) as symbol,
    max_by(name, day) as name,
    min(day) as first_day,
    max(day) as last_day
from marts.price_daily
group by asset_id
order by asset_id
