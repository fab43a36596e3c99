-- narratives of the seed, and those that a curation folder adds
with curated as (
    select * from {{ ref('dim_narrative_curated') }}
),

membership as (
    select distinct narrative_id from {{ ref('int_narrative_membership') }}
    where narrative_id != 'none'
),

final as (
    select narrative_id, name, description, true as is_curated from curated

    union all

    select
        membership.narrative_id,
        membership.narrative_id as name,
        cast(null as varchar) as description,
        false as is_curated
    from membership
    left join curated on membership.narrative_id = curated.narrative_id
    where curated.narrative_id is null
)

select * from final
