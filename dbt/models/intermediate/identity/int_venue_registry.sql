-- curated venues, and those that only a curation folder names
with curated as (
    select * from {{ ref('dim_venue_curated') }}
),

market as (
    select * from {{ ref('int_market_identity') }}
),

uncurated as (
    select distinct market.venue_id
    from market
    left join curated on market.venue_id = curated.venue_id
    where curated.venue_id is null
),

final as (
    select venue_id, name, venue_kind, country_code, source, note, true as is_curated
    from curated

    union all

    select
        venue_id,
        venue_id as name,
        'cex' as venue_kind,
        cast(null as varchar) as country_code,
        cast(null as varchar) as source,
        cast(null as varchar) as note,
        false as is_curated
    from uncurated
)

select * from final
