with venue as (
    select * from {{ ref('int_venue_registry') }}
),

exclusion as (
    select * from {{ ref('cfg_venue_exclusion') }}
    where {{ is_curated_known() }}
),

candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

newest as (
    select max(day) as day from candle
),

traded as (
    select
        venue_id,
        min(day) as first_day,
        max(day) as last_day,
        count(distinct symbol) as market_count
    from candle
    group by venue_id
),

-- an exclusion of single assets does not exclude the venue
described as (
    select
        exclusion.venue_id,
        exclusion.valid_from,
        exclusion.valid_from <= newest.day
        and coalesce(exclusion.valid_to > newest.day, true) as is_current,
        cast(exclusion.valid_from as varchar) || ' to '
        || coalesce(cast({{ known_end('exclusion.valid_to') }} as varchar), 'open') || ': '
        || exclusion.reason as interval_text
    from exclusion
    cross join newest
    where exclusion.asset_id is null
),

excluded as (
    select
        venue_id,
        max(case when is_current then 1 else 0 end) = 1 as is_excluded,
        {{ joined_text('interval_text', '; ', 'valid_from') }} as exclusion_intervals
    from described
    group by venue_id
),

final as (
    select
        venue.venue_id,
        venue.name,
        venue.venue_kind,
        venue.country_code,
        venue.source,
        traded.first_day,
        traded.last_day,
        coalesce(traded.market_count, 0) as market_count,
        coalesce(excluded.is_excluded, false) as is_excluded,
        excluded.exclusion_intervals,
        venue.is_curated,
        venue.note
    from venue
    left join traded on venue.venue_id = traded.venue_id
    left join excluded on venue.venue_id = excluded.venue_id
)

select * from final
