-- of: entity_id
select entity_id, entity_kind, day, severity, kind, message
from marts.alert
where
    entity_kind = 'narrative'
    and day > (select max(day) from marts.alert) - 365
order by entity_id, event_seq desc
