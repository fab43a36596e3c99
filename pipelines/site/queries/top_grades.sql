select
    asset_id,
    symbol,
    name,
    close_usd,
    ret_1d,
    ret_7d,
    trader_grade,
    grade_change_7d,
    investor_grade,
    case signal when 1 then 'long' when -1 then 'short' when 0 then 'flat' end as signal_now,
    mcap_usd
from marts.screener_latest
where trader_grade is not null and is_in_universe
order by trader_grade desc, asset_id
limit 10
