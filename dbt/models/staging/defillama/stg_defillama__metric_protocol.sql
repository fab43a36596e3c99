with listed as (
    {{ latest_version(ref('hist_defillama__metric_protocol'), ['metric', 'protocol_id']) }}
),

final as (
    select
        slug as protocol_id,
        protocol_id as defillama_id,
        metric,
        name,
        category,
        protocol_type,
        replace(parent_protocol, 'parent#', '') as family_id,
        is_double_counted,
        known_at,
        first_known_at
    from listed
)

select * from final
