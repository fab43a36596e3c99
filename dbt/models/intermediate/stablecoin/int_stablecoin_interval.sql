-- what a stablecoin was from when to when; coins that nobody curated never changed
with registry as (
    select * from {{ ref('int_stablecoin_registry') }}
),

curated as (
    select * from {{ ref('dim_stablecoin_curated') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- an interval whose successor could not be known yet has no end
known as (
    select
        curated.*,
        row_number() over (
            partition by curated.asset_id
            order by curated.valid_from desc
        ) = 1 as is_newest
    from curated
    cross join build_stamp
    where build_stamp.as_of_ts is null
        or coalesce(curated.known_at, curated.valid_from) <= {{ utc_day('build_stamp.as_of_ts') }}
),

final as (
    select
        registry.stablecoin_id,
        coalesce(known.valid_from, date '1970-01-01') as valid_from,
        case when not known.is_newest then known.valid_to end as valid_to,
        coalesce(known.is_newest, true) as is_current,
        coalesce(known.mechanism, registry.mechanism) as mechanism,
        coalesce(known.peg_ref, registry.peg_ref) as peg_ref,
        coalesce(known.units_per_token, registry.units_per_token) as units_per_token,
        coalesce(known.is_rebasing, registry.is_rebasing) as is_rebasing,
        coalesce(known.is_yield_bearing, registry.is_yield_bearing) as is_yield_bearing,
        coalesce(known.is_double_counted, registry.is_double_counted) as is_double_counted,
        case
            when known.asset_id is not null and not known.is_newest then known.backing_asset_id
            else registry.backing_asset_id
        end as backing_asset_id,
        coalesce(known.note, registry.note) as note
    from registry
    left join known on registry.asset_id = known.asset_id and registry.is_curated
)

select * from final
