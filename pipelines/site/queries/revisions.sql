select
    mart,
    source,
    column_name,
    source_id,
    day,
    old_value,
    new_value,
    rel_change_frac,
    revised_at,
    revision_cause
from marts.ops_revision
where is_material
order by revised_at desc, mart, source_id, day
limit 200
