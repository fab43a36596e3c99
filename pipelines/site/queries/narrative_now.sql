-- of: narrative_id
select *
from marts.narrative_daily_latest
order by narrative_id
