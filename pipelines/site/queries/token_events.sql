-- of: asset_id
select
    asset_id,
    effective_at,
    replace(event_kind, '_', ' ') as event_kind,
    note,
    announced_at,
    event_source
from marts.dim_token_event
order by asset_id, effective_at desc
