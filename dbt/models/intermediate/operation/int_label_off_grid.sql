-- rows in the lake, of tables of days, whose label begins no day: staging has no day for them, and the
-- gate tells them. What was taken back since is not counted.
with label as (
    select * from {{ ref('stg_lake__label') }}
),

final as (
    select
        source,
        table_name,
        series_id as entity_id,
        label_at
    from label
    where not is_event and label_at != {{ day_start(utc_day('label_at')) }}
    group by source, table_name, series_id, label_at
    having not max_by(is_deleted, known_at)
)

select * from final
