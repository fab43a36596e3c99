with version as (
    select * from {{ ref('hist_defillama__protocol') }}
    where {{ is_known() }} and not is_deleted
),

final as (
    select
        slug,
        protocol_id as defillama_id,
        category,
        replace(parent_protocol, 'parent#', '') as family_id,
        known_at,
        load_id
    from version
)

select * from final
