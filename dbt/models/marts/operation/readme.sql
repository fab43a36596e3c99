with line as (
    select * from {{ ref('meta_readme') }}
),

final as (
    select
        cast(line_number as bigint) as line_number,
        topic,
        explanation,
        example_query
    from line
)

select * from final
order by line_number
