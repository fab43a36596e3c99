-- days of one reason that follow one another are one gap
with gap_day as (
    select * from {{ ref('int_source_gap_daily') }}
),

numbered as (
    select
        *,
        -- days of which other parts are missing are other gaps; what failed differently is one
        case when reason != 'own_failure' then detail end as what_is_there,
        row_number() over (
            partition by
                source, table_name, entity_id, reason, is_repairable,
                case when reason != 'own_failure' then detail end
            order by day
        ) as position
    from gap_day
),

final as (
    select
        numbered.source,
        numbered.table_name,
        numbered.entity_id as series_id,
        min(numbered.day) as gap_from,
        max(numbered.day) as gap_to,
        count(*) as gap_d,
        numbered.reason,
        numbered.is_repairable,
        max(numbered.detail) as gap_detail
    from numbered
    group by
        numbered.source,
        numbered.table_name,
        numbered.entity_id,
        numbered.reason,
        numbered.is_repairable,
        numbered.what_is_there,
        numbered.day - cast(numbered.position as integer)
)

select * from final
