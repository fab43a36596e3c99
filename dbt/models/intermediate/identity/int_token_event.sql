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

final as (
    select described.*
    from described
    cross join build_stamp
    where described.known_at is null or described.known_at <= build_stamp.as_of_ts
    qualify row_number() over (
        partition by described.asset_id, described.kind, described.effective_day
        order by described.event_source, described.known_at desc nulls last
    ) = 1
)

select * from final
