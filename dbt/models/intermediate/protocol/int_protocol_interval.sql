-- how DefiLlama described a protocol, and when: what it calls a protocol today it did not call it
-- before, and no row of the past is relabelled. The days before the first list have no other word.
with version as (
    select * from {{ ref('stg_defillama__protocol_version') }}
),

metric_version as (
    select * from {{ ref('stg_defillama__metric_protocol_version') }}
),

alias as (
    select * from {{ ref('int_protocol_alias') }}
),

curated as (
    select * from {{ ref('dim_protocol_curated') }}
),

category_map as (
    select * from {{ ref('map_protocol_category') }}
),

listed as (
    select * from {{ ref('stg_defillama__protocol') }}
),

reported as (
    select slug, category, family_id, known_at, load_id, 1 as list_rank from version
    union all
    select slug, category, family_id, known_at, load_id, 2 as list_rank from metric_version
),

-- what holds something is described by the list of protocols, the others by those of fees
ranked as (
    select
        alias.protocol_id,
        reported.category,
        reported.family_id,
        reported.known_at,
        reported.load_id,
        reported.slug,
        reported.list_rank,
        min(reported.list_rank) over (partition by alias.protocol_id) as best_rank,
        {{ utc_day('reported.known_at') }} as day
    from reported
    inner join alias on reported.slug = alias.slug
),

described as (
    select protocol_id, category, family_id, day
    from ranked
    where list_rank = best_rank
    qualify row_number() over (
        partition by protocol_id, day
        order by known_at desc, load_id desc, slug, category, family_id
    ) = 1
),

compared as (
    select
        *,
        lag(day) over by_day as previous_day,
        lag(category) over by_day as previous_category,
        lag(family_id) over by_day as previous_family_id
    from described
    window by_day as (partition by protocol_id order by day)
),

changed as (
    select
        protocol_id,
        category,
        family_id,
        case when previous_day is null then date '1970-01-01' else day end as valid_from
    from compared
    where previous_day is null
        or category is distinct from previous_category
        or family_id is distinct from previous_family_id
),

-- a family is what its first member is: the largest one is another every day
first_member as (
    select changed.family_id, changed.protocol_id
    from changed
    left join alias on changed.protocol_id = alias.protocol_id
    left join listed on alias.slug = listed.slug
    where changed.family_id is not null
        and changed.family_id not in (select protocol_id from alias)
    qualify row_number() over (
        partition by changed.family_id
        order by coalesce(listed.listed_day, date '9999-12-31'), changed.protocol_id
    ) = 1
),

named as (
    select protocol_id, category, family_id, valid_from
    from changed

    union all

    select
        first_member.family_id as protocol_id,
        changed.category,
        cast(null as varchar) as family_id,
        changed.valid_from
    from first_member
    inner join changed on first_member.protocol_id = changed.protocol_id
),

final as (
    select
        named.protocol_id,
        coalesce(named.category, curated.category) as category,
        coalesce(category_map.sector, 'other') as sector,
        named.family_id,
        named.valid_from,
        lead(named.valid_from, 1, date '9999-12-31')
            over (partition by named.protocol_id order by named.valid_from) as valid_to
    from named
    left join curated on named.protocol_id = curated.protocol_id
    left join category_map
        on coalesce(named.category, curated.category) = category_map.category
)

select * from final
