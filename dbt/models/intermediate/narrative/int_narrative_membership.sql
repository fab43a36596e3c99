-- which asset belongs to which narrative, and since when. An asset in none belongs to 'none'.
with asset as (
    select * from {{ ref('int_asset_registry') }}
),

dated as (
    select * from {{ ref('dim_narrative_membership_curated') }}
    where {{ is_curated_known() }}
),

narrative as (
    select narrative_id from {{ ref('dim_narrative_curated') }}
),

overlay as (
    select * from {{ ref('stg_curation__narrative') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

listed as (
    select asset.asset_id, narrative.narrative_id
    from asset
    inner join narrative
        on ';' || asset.narratives || ';' like '%;' || narrative.narrative_id || ';%'
),

overlay_known as (
    select overlay.*
    from overlay
    inner join asset on overlay.asset_id = asset.asset_id
    cross join build_stamp
    where overlay.known_at is null or overlay.known_at <= build_stamp.as_of_ts
    qualify row_number() over (
        partition by overlay.asset_id, overlay.narrative_id, overlay.valid_from
        order by overlay.known_at desc nulls last
    ) = 1
),

stated as (
    select
        asset_id,
        narrative_id,
        valid_from,
        {{ known_end('valid_to') }} as valid_to,
        known_at,
        weight,
        'dim_narrative_membership_curated' as source
    from dated

    union all

    select
        listed.asset_id,
        listed.narrative_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to,
        cast(null as timestamptz) as known_at,
        1.0 as weight,
        'dim_asset_curated' as source
    from listed
    left join dated
        on listed.asset_id = dated.asset_id
        and listed.narrative_id = dated.narrative_id
    where dated.asset_id is null

    union all

    select
        overlay_known.asset_id,
        overlay_known.narrative_id,
        overlay_known.valid_from,
        overlay_known.valid_to,
        overlay_known.known_at,
        coalesce(overlay_known.weight, 1.0) as weight,
        'curation folder' as source
    from overlay_known
    left join listed
        on overlay_known.asset_id = listed.asset_id
        and overlay_known.narrative_id = listed.narrative_id
    left join dated
        on overlay_known.asset_id = dated.asset_id
        and overlay_known.narrative_id = dated.narrative_id
    where not coalesce(overlay_known.is_deleted, false)
        and listed.asset_id is null
        and dated.asset_id is null
),

member as (
    select distinct asset_id from stated
),

final as (
    select asset_id, narrative_id, valid_from, valid_to, known_at, weight, source
    from stated

    union all

    select
        asset.asset_id,
        'none' as narrative_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to,
        cast(null as timestamptz) as known_at,
        1.0 as weight,
        'no narrative is curated' as source
    from asset
    left join member on asset.asset_id = member.asset_id
    where member.asset_id is null and asset.asset_class not in ('fiat', 'equity')
)

select * from final
