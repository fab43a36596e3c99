-- market caps of listed exchanges as they were known at the end of each day: a close that is
-- published the next morning counts from then on
with curated as (
    select * from {{ ref('exchange_equity_curated') }}
),

overlay as (
    select * from {{ ref('stg_curation__equity') }}
    where not coalesce(is_deleted, false)
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

defi_config as (
    select * from {{ ref('cfg_defi') }}
    qualify row_number() over (order by version desc) = 1
),

-- a curation folder is a market of its own: the world's equities have no place in it
stated as (
    select exchange_id, day, equity_mcap_usd, ttl_d, known_at
    from curated
    where exchange_id not in (select exchange from overlay)

    union all

    select
        exchange as exchange_id,
        day,
        equity_mcap_usd,
        cast(null as integer) as ttl_d,
        coalesce(known_at, {{ day_start('day + 1') }}) as known_at
    from overlay
),

known as (
    select
        stated.exchange_id,
        stated.day as equity_day,
        stated.equity_mcap_usd,
        coalesce(stated.ttl_d, defi_config.equity_ttl_d) as ttl_d,
        stated.known_at,
        -- the first day at whose end it was known
        greatest(stated.day, {{ utc_day('stated.known_at') }} - 1) as usable_day
    from stated
    cross join build_stamp
    cross join defi_config
    where stated.equity_mcap_usd > 0 and stated.known_at <= build_stamp.as_of_ts
),

valid as (
    select
        known.exchange_id,
        known.equity_day,
        known.equity_mcap_usd,
        known.known_at,
        known.usable_day,
        known.equity_day + known.ttl_d as last_day
    from known
    where known.usable_day <= known.equity_day + known.ttl_d
),

calendar as (
    {{ day_spine(
        'valid',
        ['exchange_id', 'equity_day', 'equity_mcap_usd', 'known_at'], 'usable_day', 'last_day'
    ) }}
),

final as (
    select
        calendar.exchange_id,
        calendar.day,
        calendar.equity_day,
        calendar.equity_mcap_usd,
        cast({{ days_between('calendar.equity_day', 'calendar.day') }} as bigint) as equity_staleness_d
    from calendar
    qualify row_number() over (
        partition by calendar.exchange_id, calendar.day
        order by calendar.equity_day desc, calendar.known_at desc
    ) = 1
)

select * from final
