select
    event.asset_id,
    event.symbol,
    event.name,
    event.day,
    event.effective_day,
    case event.from_signal when 1 then 'long' when -1 then 'short' else 'flat' end as signal_before,
    case event.to_signal when 1 then 'long' when -1 then 'short' else 'flat' end as signal_now,
    replace(event.signal_reason, '_', ' ') as reason,
    event.trader_grade,
    plan.entry_usd,
    plan.stop_price,
    plan.take_profit_1
from marts.signal_event as event
left join marts.risk_plan_daily as plan
    on event.asset_id = plan.asset_id and event.day = plan.day
where event.day > (select max(day) from marts.signal_daily) - 7
order by event.event_seq desc
