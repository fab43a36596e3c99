-- events known at the build's instant, of seeds and of a curation folder
with curated as (
    select * from {{ ref('dim_token_event_curated') }}
),

overlay as (
    select * from {{ ref('stg_curation__token_event') }}
    where not coalesce(is_deleted, false)
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

described as (
    select
        asset_id,
        kind,
        effective_day,
        ratio,
        successor_asset_id,
        announced_at,
        known_at,
        note,
        'curated' as event_source
    from curated

    union all

    select
        asset_id,
        kind,
        effective_day,
        ratio,
        successor_asset_id,
        cast(null as timestamptz) as announced_at,
        known_at,
        cast(null as varchar) as note,
        'dataset' as event_source
    from overlay
),

-- when nobody wrote down since when it was known, it was known when it was announced, and at the
-- latest when it happened
dated as (
    select
        described.asset_id,
        described.kind,
        described.effective_day,
        described.ratio,
        described.successor_asset_id,
        described.announced_at,
        described.note,
        described.event_source,
        coalesce(
            described.known_at, described.announced_at, {{ day_start('described.effective_day') }}
        ) as known_at,
        case
            when described.known_at is not null then 'recorded'
            when described.announced_at is not null then 'announced'
            else 'effective'
        end as known_basis
    from described
),

final as (
    select dated.*
    from dated
    cross join build_stamp
    -- without any answer yet the build has no instant: then the seeds stand as they are
    where build_stamp.as_of_ts is null or dated.known_at <= build_stamp.as_of_ts
    qualify row_number() over (
        partition by dated.asset_id, dated.kind, dated.effective_day
        order by dated.event_source, dated.known_at desc
    ) = 1
)

select * from final
