-- what sources sent about ids that nobody has mapped: listed with their volume, never dropped
-- in silence. One row per source, id and kind. Where nothing is traded, the market cap (of a protocol
-- what it holds) says how much the gap matters.
with candle as (
    select * from {{ ref('int_market_candle_daily') }}
),

raw_quote_price as (
    select * from {{ ref('int_quote_price_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

stablecoin as (
    select * from {{ ref('stg_defillama_stablecoins__stablecoin') }}
),

coin as (
    select * from {{ ref('stg_coingecko__market') }}
),

archive_metric as (
    select * from {{ ref('stg_coinmetrics_archive__asset_metric') }}
),

token as (
    select * from {{ ref('stg_ethereum__token_supply') }}
),

protocol as (
    select * from {{ ref('stg_defillama__protocol') }}
),

chain_name as (
    select * from {{ ref('int_chain_name') }}
),

chain_alias as (
    select * from {{ ref('int_chain_alias') }}
),

alias as (
    select * from {{ ref('int_asset_alias') }}
),

candle_usd as (
    select
        candle.*,
        candle.volume_quote * raw_quote_price.price_usd as volume_usd
    from candle
    left join raw_quote_price
        on candle.quote_asset_id = raw_quote_price.asset_id
        and candle.day = raw_quote_price.day
),

metric_day as (
    select 'coinmetrics' as source, source_asset_id, day from metric
    union all
    select 'coinmetrics_archive' as source, source_asset_id, day from archive_metric
),

unmapped_candle as (
    select
        venue_id as source,
        case
            when base_code is null then 'market'
            when base_asset_id is null then 'base'
            else 'quote'
        end as id_kind,
        case
            when base_code is null then symbol
            when base_asset_id is null then base_code
            else quote_code
        end as source_id,
        day,
        symbol,
        volume_usd
    from candle_usd
    where not is_excluded_market
        and (base_code is null or base_asset_id is null or quote_asset_id is null)
),

described as (
    select
        source,
        id_kind,
        source_id,
        cast(null as varchar) as source_name,
        count(*) as row_count,
        count(distinct symbol) as market_count,
        min(day) as first_day,
        max(day) as last_day,
        {{ exact_sum('volume_usd') }} as volume_usd,
        cast(null as double) as mcap_usd
    from unmapped_candle
    group by source, id_kind, source_id

    union all

    select
        metric_day.source,
        'asset' as id_kind,
        metric_day.source_asset_id as source_id,
        cast(null as varchar) as source_name,
        count(*) as row_count,
        cast(null as bigint) as market_count,
        min(metric_day.day) as first_day,
        max(metric_day.day) as last_day,
        cast(null as double) as volume_usd,
        cast(null as double) as mcap_usd
    from metric_day
    -- the files know assets by the API's ids
    left join alias
        on alias.source = 'coinmetrics'
        and metric_day.source_asset_id = alias.source_id
        and metric_day.day >= alias.valid_from
        and metric_day.day < coalesce(alias.valid_to, date '9999-12-31')
    where alias.asset_id is null
    group by metric_day.source, metric_day.source_asset_id

    union all

    select
        'defillama_stablecoins' as source,
        'stablecoin' as id_kind,
        stablecoin.defillama_id as source_id,
        stablecoin.name as source_name,
        1 as row_count,
        cast(null as bigint) as market_count,
        cast(null as date) as first_day,
        cast(null as date) as last_day,
        cast(null as double) as volume_usd,
        cast(stablecoin.circulating_usd as double) as mcap_usd
    from stablecoin
    left join {{ ref('int_stablecoin_registry') }} as registry
        on stablecoin.defillama_id = registry.defillama_id
    where registry.asset_id is null

    union all

    select
        'coingecko' as source,
        'coin' as id_kind,
        coin.coin_id as source_id,
        max_by(coin.name, coin.day) as source_name,
        count(*) as row_count,
        cast(null as bigint) as market_count,
        min(coin.day) as first_day,
        max(coin.day) as last_day,
        cast(null as double) as volume_usd,
        max_by(coin.market_cap_usd, coin.day) as mcap_usd
    from coin
    left join alias
        on alias.source = 'coingecko'
        and coin.coin_id = alias.source_id
        and coin.day >= alias.valid_from
        and coin.day < coalesce(alias.valid_to, date '9999-12-31')
    where alias.asset_id is null
    group by coin.coin_id

    union all

    select
        'ethereum' as source,
        'token' as id_kind,
        token.token as source_id,
        max_by(token.symbol, token.block_at) as source_name,
        count(*) as row_count,
        cast(null as bigint) as market_count,
        min({{ utc_day('token.block_at') }} - 1) as first_day,
        max({{ utc_day('token.block_at') }} - 1) as last_day,
        cast(null as double) as volume_usd,
        cast(null as double) as mcap_usd
    from token
    left join alias
        on alias.source = 'ethereum'
        and token.token = alias.source_id
    where alias.asset_id is null
    group by token.token

    union all

    -- a protocol without a token of its own has nothing to map
    select
        'defillama' as source,
        'protocol' as id_kind,
        protocol.slug as source_id,
        protocol.name as source_name,
        1 as row_count,
        cast(null as bigint) as market_count,
        protocol.listed_day as first_day,
        cast(null as date) as last_day,
        cast(null as double) as volume_usd,
        coalesce(protocol.reported_mcap_usd, protocol.live_tvl_usd) as mcap_usd
    from protocol
    left join alias as by_slug
        on by_slug.source = 'defillama'
        and protocol.slug = by_slug.source_id
    left join alias as by_gecko
        on by_gecko.source = 'coingecko'
        and protocol.gecko_id = by_gecko.source_id
    where protocol.gecko_id is not null
        and by_slug.asset_id is null
        and by_gecko.asset_id is null
),

unmapped_chain as (
    select
        chain_name.source,
        'chain' as id_kind,
        chain_name.chain_name as source_id,
        cast(null as varchar) as source_name,
        cast(sum(chain_name.row_count) as bigint) as row_count,
        cast(null as bigint) as market_count,
        min(chain_name.first_day) as first_day,
        max(chain_name.last_day) as last_day,
        cast(null as double) as volume_usd,
        cast(null as double) as mcap_usd
    from chain_name
    inner join chain_alias on chain_name.chain_name = chain_alias.chain_name
    where not chain_alias.is_known
    group by chain_name.source, chain_name.chain_name
),

all_described as (
    select * from described
    union all
    select * from unmapped_chain
),

final as (
    select *, coalesce(volume_usd, mcap_usd) as size_usd
    from all_described
)

select * from final
