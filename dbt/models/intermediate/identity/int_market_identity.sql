-- every market that a venue lists or that a curation folder names; one row per venue and symbol
with binance as (
    select * from {{ ref('stg_binance__exchange_symbol') }}
),

coinbase as (
    select * from {{ ref('stg_coinbase__product') }}
),

kraken as (
    select * from {{ ref('stg_kraken__asset_pair') }}
),

okx as (
    select * from {{ ref('stg_okx__instrument') }}
    where inst_type = 'SPOT'
),

bybit as (
    select * from {{ ref('stg_bybit__instrument') }}
    where category = 'spot'
),

bitstamp as (
    select * from {{ ref('stg_bitstamp__market') }}
    where market_kind = 'SPOT'
),

overlay as (
    select * from {{ ref('stg_curation__market') }}
    where not coalesce(is_deleted, false)
),

exclusion as (
    select * from {{ ref('cfg_market_exclusion') }}
),

listed as (
    select
        'binance' as venue_id,
        symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from binance
    union all
    select
        'coinbase' as venue_id,
        product_id as symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from coinbase
    union all
    select
        'kraken' as venue_id,
        altname as symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from kraken
    -- two internal names of one altname do not occur; the newest would be the one that trades
    qualify row_number() over (partition by altname order by is_trading desc, pair_id) = 1
    union all
    select
        'okx' as venue_id,
        inst_id as symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from okx
    union all
    select
        'bybit' as venue_id,
        symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from bybit
    union all
    select
        'bitstamp' as venue_id,
        market_symbol as symbol, base_code, quote_code, is_trading, was_seen_trading, halted_seen_at
    from bitstamp
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
