select source, id_kind, source_id, source_name, unmapped_volume_usd, first_seen_day, last_seen_day
from marts.ops_unmapped_id
order by curation_rank nulls last, source, source_id
limit 100
