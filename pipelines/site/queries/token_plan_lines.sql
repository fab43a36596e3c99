-- of: asset_id
with plan as (
    select * from marts.risk_plan_daily_latest where signal <> 0
)

select asset_id, label, usd
from (
    select asset_id, 'entry' as label, entry_usd as usd from plan
    union all
    select asset_id, 'stop', stop_price from plan
    union all
    select asset_id, 'target 1', take_profit_1 from plan
    union all
    select asset_id, 'target 2', take_profit_2 from plan
)
where usd is not null
order by asset_id, label
