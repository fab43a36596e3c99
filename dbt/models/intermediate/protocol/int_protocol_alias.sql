-- every slug under which DefiLlama lists or has listed a protocol, and the protocol that is meant. It
-- keeps the slug under which it is curated or was listed first: a new slug in the newest list is no
-- second protocol, and renames no row of the past.
with listed as (
    select * from {{ ref('stg_defillama__protocol') }}
),

metric_listed as (
    select * from {{ ref('stg_defillama__metric_protocol') }}
),

curated as (
    select * from {{ ref('dim_protocol_curated') }}
),

asset_alias as (
    select distinct source_id from {{ ref('int_asset_alias') }}
    where source = 'defillama'
),

reported as (
    select slug, defillama_id, first_known_at, 1 as list_rank from listed
    union all
    select slug, defillama_id, first_known_at, 2 as list_rank from metric_listed
),

-- a slug that two entries share would count a protocol twice: the older entry has it
spelling as (
    select slug, defillama_id, first_known_at, list_rank
    from reported
    qualify row_number() over (
        partition by slug order by list_rank, first_known_at, defillama_id
    ) = 1
),

chosen as (
    select spelling.defillama_id, spelling.slug as protocol_id
    from spelling
    left join curated on spelling.slug = curated.protocol_id
    left join asset_alias on spelling.slug = asset_alias.source_id
    qualify row_number() over (
        partition by spelling.defillama_id
        order by
            curated.protocol_id is not null desc,
            asset_alias.source_id is not null desc,
            spelling.first_known_at,
            spelling.list_rank,
            spelling.slug
    ) = 1
),

final as (
    select
        spelling.slug,
        chosen.protocol_id,
        count(*) over (partition by chosen.protocol_id) > 1 as has_other_spellings
    from spelling
    inner join chosen on spelling.defillama_id = chosen.defillama_id
)

select * from final
