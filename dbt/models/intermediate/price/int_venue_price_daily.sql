-- the judged venues of all stages; a day that a later stage had to price is told by that stage
with stage1 as (
    select * from {{ ref('int_venue_price_stage1_daily') }}
),

stage2 as (
    select * from {{ ref('int_venue_price_stage2_daily') }}
),

stage3 as (
    select * from {{ ref('int_venue_price_stage3_daily') }}
),

early as (
    select *, 1 as stage from stage1
    union all
    select *, 2 as stage from stage2
),

late_day as (
    select distinct asset_id, day from stage3
),

final as (
    select early.*
    from early
    left join late_day
        on early.asset_id = late_day.asset_id
        and early.day = late_day.day
    where late_day.asset_id is null

    union all

    select *, 3 as stage from stage3
)

select * from final
