-- every spelling of a chain that a source, the curated list or the map of names uses, and the chain
-- that is meant. A chain keeps the name under which it is curated or was listed first: a new name in
-- the newest list renames no row of the past.
with name_reported as (
    select * from {{ ref('int_chain_name') }}
),

listed as (
    select * from {{ ref('stg_defillama__chain') }}
),

curated as (
    select * from {{ ref('dim_chain_curated') }}
),

chain_key as (
    select * from {{ ref('map_chain_key') }}
),

spelling as (
    select
        chain_name,
        1 as authority,
        name_rank,
        first_known_at
    from name_reported
    union all
    select chain_id as chain_name, 2 as authority, 0 as name_rank, cast(null as timestamptz) as first_known_at
    from chain_key
    union all
    select chain_key as chain_name, 1 as authority, 9 as name_rank, cast(null as timestamptz) as first_known_at
    from chain_key
    union all
    select chain_name, 3 as authority, 0 as name_rank, first_known_at
    from listed
    union all
    select chain_id as chain_name, 4 as authority, 0 as name_rank, cast(null as timestamptz) as first_known_at
    from curated
),

key_map as (
    select distinct
        {{ bare_name('chain_key') }} as bare_key,
        {{ bare_name('chain_id') }} as bare_id
    from chain_key
),

grouped as (
    select
        spelling.*,
        coalesce(key_map.bare_id, {{ bare_name('spelling.chain_name') }}) as bare_id
    from spelling
    left join key_map on {{ bare_name('spelling.chain_name') }} = key_map.bare_key
),

chosen as (
    select bare_id, chain_name as chain_id, authority > 1 as is_known
    from grouped
    qualify row_number() over (
        partition by bare_id
        order by authority desc, first_known_at, name_rank, chain_name
    ) = 1
),

spelt as (
    select
        bare_id,
        chain_name,
        max(case when authority in (1, 3) and name_rank < 9 then 1 else 0 end) = 1 as is_used
    from grouped
    group by bare_id, chain_name
),

final as (
    select
        spelt.chain_name,
        chosen.chain_id,
        chosen.is_known,
        -- of one chain several names in use
        count(case when spelt.is_used then 1 end) over (partition by spelt.bare_id) > 1
        as has_other_spellings
    from spelt
    inner join chosen on spelt.bare_id = chosen.bare_id
    union all
    select '__total__' as chain_name, '__total__' as chain_id, true as is_known, false as has_other_spellings
)

select * from final
