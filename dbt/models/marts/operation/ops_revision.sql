with revision as (
    select * from {{ ref('int_revision') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        revision.mart,
        revision.source,
        revision.table_name,
        revision.source_id,
        revision.day,
        revision.column_name,
        revision.known_at as revised_at,
        revision.previous_known_at as superseded_known_at,
        revision.cause as revision_cause,
        revision.measure as revision_measure,
        revision.old_value,
        revision.new_value,
        revision.rel_change_frac,
        revision.materiality_frac,
        revision.is_material,
        build_stamp.as_of_ts
    from revision
    cross join build_stamp
)

select * from final
order by revised_at, source, table_name, source_id, day, column_name
