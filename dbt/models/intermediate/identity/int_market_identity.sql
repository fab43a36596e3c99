-- every market that a venue lists or that a curation folder names; one row per venue and symbol
with listed as (
    select * from {{ ref('stg_spot__market') }}
),

overlay as (
    select * from {{ ref('stg_curation__market') }}
    where not coalesce(is_deleted, false)
),

exclusion as (
    select * from {{ ref('cfg_market_exclusion') }}
),

-- without a listing of the venue the folder's days say whether the market still trades
overlay_latest as (
    select
        venue as venue_id,
        symbol,
        base_code,
        quote_code,
        delisted_day is null as is_trading,
        false as was_seen_trading,
        cast(null as timestamptz) as halted_seen_at
    from overlay
    qualify row_number() over (
        partition by venue, symbol
        order by listed_day desc, known_at desc nulls last
    ) = 1
),

described as (
    select * from listed

    union all

    select overlay_latest.*
    from overlay_latest
    left join listed
        on overlay_latest.venue_id = listed.venue_id
        and overlay_latest.symbol = listed.symbol
    where listed.symbol is null
),

final as (
    select
        described.venue_id,
        described.symbol,
        described.base_code,
        described.quote_code,
        described.is_trading,
        described.was_seen_trading,
        {{ utc_day('described.halted_seen_at') }} as halted_seen_day,
        exclusion.reason as exclusion_note
    from described
    left join exclusion
        on described.venue_id = exclusion.venue_id
        and described.symbol = exclusion.symbol
)

select * from final
