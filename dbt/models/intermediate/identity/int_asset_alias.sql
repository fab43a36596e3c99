-- which asset a source means by a code, and from when to when; seeds win where both speak
with curated as (
    select * from {{ ref('dim_asset_alias_curated') }}
),

overlay_asset as (
    select * from {{ ref('stg_curation__asset') }}
),

overlay_market as (
    select * from {{ ref('stg_curation__market') }}
    where not coalesce(is_deleted, false)
),

overlay_perpetual as (
    select * from {{ ref('stg_curation__perpetual') }}
    where not coalesce(is_deleted, false)
),

overlay_stablecoin as (
    select * from {{ ref('stg_curation__stablecoin') }}
    where not coalesce(is_deleted, false)
),

overlay_token as (
    select * from {{ ref('stg_curation__token') }}
    where not coalesce(is_deleted, false)
),

overlay_protocol as (
    select * from {{ ref('stg_curation__protocol') }}
    where not coalesce(is_deleted, false)
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

-- a venue's code can name one asset today and another later: the listing days say which
market_code as (
    select venue as source, base_code as source_id, base_asset_id as asset_id, listed_day, known_at
    from overlay_market
    union all
    select venue as source, quote_code as source_id, quote_asset_id as asset_id, listed_day, known_at
    from overlay_market
    union all
    select venue as source, base_code as source_id, base_asset_id as asset_id, listed_day, known_at
    from overlay_perpetual
    union all
    select venue as source, quote_code as source_id, quote_asset_id as asset_id, listed_day, known_at
    from overlay_perpetual
),

market_asset as (
    select
        market_code.source,
        market_code.source_id,
        market_code.asset_id,
        min(market_code.listed_day) as listed_day
    from market_code
    cross join build_stamp
    where market_code.asset_id is not null
        and (market_code.known_at is null or market_code.known_at <= build_stamp.as_of_ts)
    group by market_code.source, market_code.source_id, market_code.asset_id
),

market_alias as (
    select
        current_holder.source,
        current_holder.source_id,
        current_holder.asset_id,
        case
            when count(earlier.asset_id) = 0 then date '1970-01-01'
            else current_holder.listed_day
        end as valid_from,
        min(later.listed_day) as valid_to
    from market_asset as current_holder
    left join market_asset as earlier
        on current_holder.source = earlier.source
        and current_holder.source_id = earlier.source_id
        and earlier.listed_day < current_holder.listed_day
    left join market_asset as later
        on current_holder.source = later.source
        and current_holder.source_id = later.source_id
        and later.listed_day > current_holder.listed_day
    group by
        current_holder.source,
        current_holder.source_id,
        current_holder.asset_id,
        current_holder.listed_day
),

overlay_alias as (
    select source, source_id, asset_id, valid_from, valid_to
    from market_alias

    union all

    select distinct
        'coinmetrics' as source,
        coinmetrics_id as source_id,
        asset_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from overlay_asset
    where coinmetrics_id is not null

    union all

    select distinct
        'coingecko' as source,
        coingecko_id as source_id,
        asset_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from overlay_asset
    where coingecko_id is not null

    union all

    select distinct
        'defillama_stablecoins' as source,
        stablecoin_id as source_id,
        asset_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from overlay_stablecoin
    where asset_id is not null

    union all

    select distinct
        'ethereum' as source,
        lower(address) as source_id,
        asset_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from overlay_token
    where asset_id is not null

    union all

    select distinct
        'defillama' as source,
        protocol as source_id,
        asset_id,
        date '1970-01-01' as valid_from,
        cast(null as date) as valid_to
    from overlay_protocol
    where asset_id is not null
),

seed_code as (
    select distinct source, source_id from curated
),

final as (
    select
        source,
        source_id,
        asset_id,
        valid_from,
        {{ known_end('valid_to') }} as valid_to,
        note,
        true as is_curated
    from curated
    where {{ day_start('valid_from') }} <= {{ build_instant() }}

    union all

    select
        overlay_alias.source,
        overlay_alias.source_id,
        overlay_alias.asset_id,
        overlay_alias.valid_from,
        overlay_alias.valid_to,
        cast(null as varchar) as note,
        false as is_curated
    from overlay_alias
    left join seed_code
        on overlay_alias.source = seed_code.source
        and overlay_alias.source_id = seed_code.source_id
    where seed_code.source is null
)

select * from final
