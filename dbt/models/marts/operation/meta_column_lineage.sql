with edge as (
    select * from {{ ref('meta_column_input') }}
),

final as (
    select
        table_name,
        column_name,
        input_table,
        input_column
    from edge
)

select * from final
order by table_name, column_name, input_table, input_column
