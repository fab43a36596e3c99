with token_event as (
    select * from {{ ref('int_token_event') }}
),

-- what users want to see on a chart, and no series needs to be mended for
notice as (
    select * from {{ ref('dim_token_notice_curated') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

dated_notice as (
    select
        *,
        coalesce(known_at, announced_at, {{ day_start('effective_day') }}) as dated_at,
        case
            when known_at is not null then 'recorded'
            when announced_at is not null then 'announced'
            else 'effective'
        end as known_basis
    from notice
),

described as (
    select
        asset_id, kind, effective_day, announced_at, known_at, known_basis, ratio,
        successor_asset_id, true as is_series_event, event_source, note
    from token_event

    union all

    select
        dated_notice.asset_id,
        dated_notice.kind,
        dated_notice.effective_day,
        dated_notice.announced_at,
        dated_notice.dated_at as known_at,
        dated_notice.known_basis,
        cast(null as double) as ratio,
        cast(null as varchar) as successor_asset_id,
        false as is_series_event,
        'curated' as event_source,
        dated_notice.note
    from dated_notice
    cross join build_stamp
    where build_stamp.as_of_ts is null or dated_notice.dated_at <= build_stamp.as_of_ts
),

final as (
    select
        described.asset_id,
        described.kind as event_kind,
        {{ day_start('described.effective_day') }} as effective_at,
        described.announced_at,
        described.known_at as event_known_at,
        described.known_basis,
        described.ratio as unit_ratio,
        described.successor_asset_id,
        described.is_series_event,
        described.event_source,
        described.note,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from described
    cross join build_stamp
)

select * from final
order by asset_id, effective_at, event_kind
