-- of: entity_id
select entity_id, entity_kind, day, severity, kind, message
from marts.alert
where entity_kind = 'chain'
order by entity_id, event_seq desc
