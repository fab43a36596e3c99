-- the whole lists that sources answered with, and which of them were cut off on their way
with extraction as (
    select
        *,
        window_start_at as window_start,
        landed_row_count as rows_landed
    from {{ ref('stg_lake__extraction') }}
),

final as (
    {{ listing_answers('extraction') }}
)

select * from final
