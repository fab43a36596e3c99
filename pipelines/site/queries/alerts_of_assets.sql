-- of: entity_id
select entity_id, entity_kind, day, severity, kind, message
from marts.alert
where
    entity_kind = 'asset'
    and day > (select max(day) from marts.alert) - 120
order by entity_id, event_seq desc
