-- of: asset_id
select
    event.asset_id,
    event.day,
    price.close_usd,
    case event.to_signal when 1 then 'long' when -1 then 'short' else 'flat' end as "to",
    case event.from_signal when 1 then 'long' when -1 then 'short' else 'flat' end as signal_before,
    replace(event.signal_reason, '_', ' ') as reason,
    event.trader_grade
from marts.signal_event as event
inner join marts.price_daily as price
    on event.asset_id = price.asset_id and event.day = price.day
order by event.asset_id, event.day desc
