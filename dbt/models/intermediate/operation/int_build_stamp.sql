-- no clock: what the newest answer known is stamped with is when this build is "now"
with extraction as (
    select * from {{ ref('stg_lake__extraction') }}
),

final as (
    select max(known_at) as as_of_ts from extraction
)

select * from final
