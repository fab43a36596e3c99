-- what an asset was on which days: a reclassification never reaches back
with asset as (
    select * from {{ ref('int_asset_registry') }}
),

curated as (
    select * from {{ ref('dim_asset_class_curated') }}
    where {{ is_curated_known() }}
),

overlay as (
    select
        asset_id,
        asset_class,
        coalesce(known_at, timestamptz '1970-01-01 00:00:00+00') as known_at
    from {{ ref('stg_curation__asset') }}
    where asset_class is not null and not coalesce(is_deleted, false)
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- the folder says since when it says so; its first word holds for the days before, too
overlay_version as (
    select
        overlay.asset_id,
        overlay.asset_class,
        overlay.known_at,
        case
            when lag(overlay.known_at) over by_version is null then date '1970-01-01'
            else {{ utc_day('overlay.known_at') }}
        end as valid_from
    from overlay
    inner join asset on overlay.asset_id = asset.asset_id
    cross join build_stamp
    where not asset.is_curated and overlay.known_at <= build_stamp.as_of_ts
    window by_version as (partition by overlay.asset_id order by overlay.known_at)
),

-- two words on one day: the later one counts
overlay_day as (
    select * from overlay_version
    qualify row_number() over (partition by asset_id, valid_from order by known_at desc) = 1
),

overlay_interval as (
    select
        asset_id,
        asset_class,
        valid_from,
        lead(valid_from) over (partition by asset_id order by valid_from) as valid_to
    from overlay_day
),

dated as (
    select asset_id, asset_class, valid_from, {{ known_end('valid_to') }} as valid_to from curated
    union all
    select asset_id, asset_class, valid_from, valid_to from overlay_interval
),

dated_asset as (
    select distinct asset_id from dated
),

final as (
    select asset_id, asset_class, valid_from, valid_to from dated

    union all

    select
        asset.asset_id,
        asset.asset_class,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from asset
    left join dated_asset on asset.asset_id = dated_asset.asset_id
    where dated_asset.asset_id is null
)

select * from final
