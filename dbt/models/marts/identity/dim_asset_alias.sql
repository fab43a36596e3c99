with alias as (
    select * from {{ ref('int_asset_alias') }}
),

final as (
    select
        source,
        source_id,
        asset_id,
        valid_from,
        valid_to,
        is_curated,
        note
    from alias
)

select * from final
