-- the whole lists that sources answered with, and which of them were cut off on their way
with extraction as (
    select * from {{ ref('hist_lake__extraction') }}
    where {{ is_known() }}
),

final as (
    {{ listing_answers('extraction') }}
)

select * from final
