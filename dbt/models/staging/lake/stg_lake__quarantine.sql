with quarantine as (
    select * from {{ ref('hist_lake__quarantine') }}
),

final as (
    select source, load_id, table_name, entity_id, run_id, reason, payload, known_at
    from quarantine
    where {{ is_known() }}
)

select * from final
