-- members as of each day, with what a narrative's measures are made of
with membership as (
    select * from {{ ref('int_narrative_membership') }}
    where narrative_id != 'none'
),

calendar as (
    select * from {{ ref('int_asset_calendar_daily') }}
),

final as (
    select
        membership.narrative_id,
        membership.asset_id,
        calendar.day,
        membership.weight as membership_weight
    from membership
    inner join calendar
        on membership.asset_id = calendar.asset_id
        and calendar.day >= membership.valid_from
        and calendar.day < coalesce(membership.valid_to, date '9999-12-31')
    where membership.weight > 0
)

select * from final
