{% set points = 'partition by asset_id, concept order by day' %}

-- what is written down of supplies, each point good until the next: from its own day on, at the pace that
-- is stated or, without one, at that between the two points before. Nothing after a day is used for it.
with curated as (
    select * from {{ ref('asset_supply_curated') }}
),

overlay as (
    select * from {{ ref('stg_curation__supply') }}
),

overlay_asset as (
    select * from {{ ref('stg_curation__asset') }}
),

unit_factor as (
    select * from {{ ref('int_asset_unit_factor') }}
),

supply_config as (
    select * from {{ ref('cfg_supply') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- a curation folder is a market of its own: what the world's coins do has no place in it
stated as (
    select asset_id, concept, day, supply_native, issuance_1d_native, known_at, false as is_deleted
    from curated
    where not exists (select 1 from overlay_asset)

    union all

    select
        asset_id,
        concept,
        day,
        supply as supply_native,
        issuance_1d as issuance_1d_native,
        known_at,
        coalesce(is_deleted, false) as is_deleted
    from overlay
),

known as (
    select stated.*
    from stated
    cross join build_stamp
    where coalesce(stated.known_at, {{ day_start('stated.day + 1') }}) <= build_stamp.as_of_ts
    qualify row_number() over (
        partition by stated.asset_id, stated.concept, stated.day
        order by stated.known_at desc nulls last
    ) = 1
),

-- in the asset's first units: a point must not keep the units of its day
point as (
    select
        known.asset_id,
        known.concept,
        known.day,
        known.supply_native / coalesce(unit_factor.unit_factor, 1) as supply_first,
        known.issuance_1d_native / coalesce(unit_factor.unit_factor, 1) as issuance_1d_first
    from known
    left join unit_factor
        on known.asset_id = unit_factor.asset_id
        and known.day >= unit_factor.valid_from
        and known.day < coalesce(unit_factor.valid_to, date '9999-12-31')
    where not known.is_deleted and known.supply_native > 0
),

ordered as (
    select
        *,
        lag(day) over ({{ points }}) as previous_day,
        lag(supply_first) over ({{ points }}) as previous_first,
        lead(day) over ({{ points }}) as next_day
    from point
),

final as (
    select
        ordered.asset_id,
        ordered.concept,
        ordered.day as valid_from,
        least(
            coalesce(ordered.next_day, date '9999-12-31'), ordered.day + supply_config.schedule_ttl_d
        ) as valid_to,
        ordered.supply_first,
        coalesce(
            ordered.issuance_1d_first,
            (ordered.supply_first - ordered.previous_first)
            / {{ days_between('ordered.previous_day', 'ordered.day') }},
            0
        ) as issuance_1d_first
    from ordered
    cross join supply_config
)

select * from final
