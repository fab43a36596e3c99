-- of: exchange_id
select *
from marts.exchange_token_daily
qualify day = max(day) over (partition by exchange_id)
order by exchange_id
