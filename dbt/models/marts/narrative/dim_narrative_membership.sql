with membership as (
    select * from {{ ref('int_narrative_membership') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        membership.asset_id,
        membership.narrative_id,
        membership.valid_from,
        membership.valid_to,
        membership.known_at as membership_known_at,
        membership.weight as membership_weight,
        membership.source as membership_source,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from membership
    cross join build_stamp
)

select * from final
order by narrative_id, asset_id, valid_from
