-- every stablecoin that is curated, listed by DefiLlama, or named by a curation folder, as it is
-- described last; what was true earlier stands in int_stablecoin_interval
with curated_interval as (
    select * from {{ ref('dim_stablecoin_curated') }}
),

listed as (
    select * from {{ ref('stg_defillama_stablecoins__stablecoin') }}
),

overlay as (
    select * from {{ ref('stg_curation__stablecoin') }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

asset as (
    select * from {{ ref('int_asset_registry') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

mechanism as (
    select * from {{ ref('map_peg_mechanism') }}
),

peg_type as (
    select * from {{ ref('map_peg_type') }}
),

-- what holds last, of what could be known
curated as (
    select curated_interval.*
    from curated_interval
    cross join build_stamp
    where build_stamp.as_of_ts is null
        or coalesce(curated_interval.known_at, curated_interval.valid_from)
        <= {{ utc_day('build_stamp.as_of_ts') }}
    qualify row_number() over (
        partition by curated_interval.asset_id
        order by curated_interval.valid_from desc
    ) = 1
),

overlay_latest as (
    select overlay.*
    from overlay
    cross join build_stamp
    where (overlay.known_at is null or overlay.known_at <= build_stamp.as_of_ts)
        and not coalesce(overlay.is_deleted, false)
    qualify row_number() over (
        partition by overlay.stablecoin_id
        order by overlay.known_at desc nulls last
    ) = 1
),

described as (
    select
        coalesce(listed.defillama_id, overlay_latest.stablecoin_id) as defillama_id,
        coalesce(listed.gecko_id, overlay_latest.gecko_id) as gecko_id,
        coalesce(listed.name, overlay_latest.name) as name,
        coalesce(listed.symbol, overlay_latest.symbol) as symbol,
        coalesce(listed.peg_type, overlay_latest.peg_type) as peg_type,
        coalesce(listed.peg_mechanism, overlay_latest.peg_mechanism) as peg_mechanism,
        coalesce(listed.is_yield_bearing, overlay_latest.yield_bearing) as is_yield_bearing,
        coalesce(overlay_latest.dead_from, listed.dead_from) as dead_from,
        overlay_latest.asset_id as overlay_asset_id,
        overlay_latest.backing_asset_id,
        overlay_latest.launch_day,
        listed.defillama_id is not null as is_listed,
        {{ utc_day('listed.gone_seen_at') }} as gone_from
    from listed
    full outer join overlay_latest on listed.defillama_id = overlay_latest.stablecoin_id
),

-- CoinGecko's id says more than DefiLlama's number, which another data set may use for another coin
identified as (
    select
        described.*,
        coalesce(
            by_gecko.asset_id,
            described.overlay_asset_id,
            case when described.gecko_id is null then by_number.asset_id end
        ) as asset_id
    from described
    left join alias as by_gecko
        on by_gecko.source = 'coingecko'
        and described.gecko_id = by_gecko.source_id
        and by_gecko.valid_to is null
    left join alias as by_number
        on by_number.source = 'defillama_stablecoins'
        and described.defillama_id = by_number.source_id
        and by_number.valid_to is null
    qualify row_number() over (
        partition by
            coalesce(
                by_gecko.asset_id,
                described.overlay_asset_id,
                case when described.gecko_id is null then by_number.asset_id end,
                described.defillama_id
            )
        order by described.is_listed desc, described.defillama_id
    ) = 1
),

merged as (
    select
        coalesce(curated.asset_id, identified.asset_id) as asset_id,
        coalesce(identified.defillama_id, curated.defillama_id) as defillama_id,
        coalesce(identified.gecko_id, curated.asset_id) as gecko_id,
        coalesce(asset.name, identified.name) as name,
        coalesce(asset.symbol, identified.symbol) as symbol,
        identified.peg_type,
        identified.peg_mechanism,
        coalesce(curated.mechanism, mechanism.mechanism) as mechanism,
        coalesce(curated.peg_ref, peg_type.peg_ref) as peg_ref,
        case
            when curated.asset_id is not null then curated.units_per_token
            else peg_type.units_per_token
        end as units_per_token,
        coalesce(curated.is_rebasing, false) as is_rebasing,
        coalesce(curated.is_yield_bearing, identified.is_yield_bearing, false) as is_yield_bearing,
        coalesce(curated.is_double_counted, false) as is_double_counted,
        coalesce(curated.backing_asset_id, identified.backing_asset_id) as backing_asset_id,
        coalesce(curated.launch_day, identified.launch_day) as launch_day,
        {{ known_end('coalesce(curated.dead_from, identified.dead_from)') }} as dead_from,
        curated.issuer,
        curated.can_freeze,
        curated.attestation_url,
        curated.last_attestation_day,
        curated.note,
        curated.asset_id is not null as is_curated,
        coalesce(identified.is_listed, false) as is_listed,
        identified.gone_from,
        coalesce(mechanism.is_misspelt, false) as is_mechanism_misspelt
    from identified
    full outer join curated on identified.asset_id = curated.asset_id
    left join asset on coalesce(curated.asset_id, identified.asset_id) = asset.asset_id
    left join mechanism on identified.peg_mechanism = mechanism.source_value
    left join peg_type on identified.peg_type = peg_type.source_value
),

final as (
    select
        coalesce(asset_id, 'defillama-' || defillama_id) as stablecoin_id,
        *
    from merged
)

select * from final
