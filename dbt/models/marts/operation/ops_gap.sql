with gap as (
    select * from {{ ref('int_source_gap') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        gap.*,
        build_stamp.as_of_ts
    from gap
    cross join build_stamp
)

select * from final
order by source, table_name, series_id, gap_from, reason
