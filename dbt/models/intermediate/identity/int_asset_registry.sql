-- curated assets first; a curation folder adds those that the seed does not know
with curated as (
    select * from {{ ref('dim_asset_curated') }}
),

overlay as (
    select * from {{ ref('stg_curation__asset') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

overlay_known as (
    select overlay.*
    from overlay
    cross join build_stamp
    where overlay.known_at is null or overlay.known_at <= build_stamp.as_of_ts
),

overlay_latest as (
    select *
    from overlay_known
    qualify row_number() over (partition by asset_id order by known_at desc nulls last) = 1
),

final as (
    select
        asset_id,
        symbol,
        name,
        asset_class,
        sector,
        narratives,
        launch_day,
        note,
        true as is_curated
    from curated

    union all

    select
        overlay_latest.asset_id,
        overlay_latest.symbol,
        overlay_latest.name,
        overlay_latest.asset_class,
        cast(null as varchar) as sector,
        cast(null as varchar) as narratives,
        cast(null as date) as launch_day,
        cast(null as varchar) as note,
        false as is_curated
    from overlay_latest
    left join curated on overlay_latest.asset_id = curated.asset_id
    where curated.asset_id is null and not coalesce(overlay_latest.is_deleted, false)
)

select * from final
