with listed as (
    {{ listing_of(
        ref('hist_defillama__metric_protocol'), ['metric', 'protocol_id'], spelling=['slug']
    ) }}
),

final as (
    select
        slug,
        protocol_id as defillama_id,
        metric,
        name,
        category,
        protocol_type,
        replace(parent_protocol, 'parent#', '') as family_id,
        is_double_counted,
        is_live as is_listed,
        gone_seen_at,
        known_at,
        first_known_at
    from listed
)

select * from final
