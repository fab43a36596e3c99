select day, severity, kind, entity_kind, entity_id, message
from marts.alert
where day = (select max(day) from marts.alert)
order by
    case severity when 'critical' then 0 when 'warning' then 1 else 2 end,
    event_seq desc
