with exchange as (
    select * from {{ ref('dim_exchange_curated') }}
),

equity as (
    select * from {{ ref('int_exchange_equity_daily') }}
),

market_cap as (
    select * from {{ ref('int_asset_mcap_daily') }}
),

chain as (
    select * from {{ ref('int_chain_registry') }}
    where operator_exchange_id is not null
),

chain_day as (
    select * from {{ ref('int_chain_daily') }}
),

venue_day as (
    select * from {{ ref('int_venue_price_daily') }}
    where volume_usd is not null
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

spot as (
    select venue_id, day, {{ exact_sum('volume_usd') }} as volume_usd
    from venue_day
    group by venue_id, day
),

spot_total as (
    select day, {{ exact_sum('volume_usd') }} as volume_usd
    from spot
    group by day
),

-- a chain of which nothing is known leaves its exchange's sum unknown
chain_sum as (
    select
        chain.operator_exchange_id as exchange_id,
        chain_day.day,
        count(*) as chain_count,
        {% for name in ['tvl', 'stables', 'gas_fees', 'dex_volume'] %}
            case
                when count(chain_day.{{ name }}_usd) = count(*)
                    then {{ exact_sum('chain_day.' ~ name ~ '_usd') }}
            end as chain_{{ name }}_usd,
        {% endfor %}
        case
            when count(chain_day.tvl_usd_ffill) = count(*)
                then {{ exact_sum('chain_day.tvl_usd_ffill') }}
        end as chain_tvl_usd_ffill
    from chain
    inner join chain_day on chain.chain_id = chain_day.chain_id
    group by chain.operator_exchange_id, chain_day.day
),

token_day as (
    select exchange.exchange_id, market_cap.day, market_cap.mcap_usd, market_cap.fdv_usd
    from exchange
    inner join market_cap on exchange.token_asset_id = market_cap.asset_id
),

exchange_day as (
    select exchange_id, day from token_day
    union
    select exchange_id, day from chain_sum
    union
    select exchange.exchange_id, spot.day
    from exchange
    inner join spot on exchange.venue_id = spot.venue_id
),

final as (
    select
        exchange_day.exchange_id,
        exchange_day.day,
        exchange.token_asset_id,
        token_day.mcap_usd as token_mcap_usd,
        token_day.fdv_usd as token_fdv_usd,
        exchange.equity_exchange_id,
        equity.equity_mcap_usd,
        equity.equity_day,
        equity.equity_staleness_d,
        case
            when equity.equity_mcap_usd > 0 then token_day.mcap_usd / equity.equity_mcap_usd
        end as token_to_equity_ratio,
        chain_sum.chain_count,
        chain_sum.chain_tvl_usd,
        chain_sum.chain_tvl_usd_ffill,
        chain_sum.chain_stables_usd,
        chain_sum.chain_gas_fees_usd,
        chain_sum.chain_dex_volume_usd,
        spot.volume_usd as spot_volume_usd,
        case
            when spot_total.volume_usd > 0 then spot.volume_usd / spot_total.volume_usd
        end as spot_volume_share_frac,
        build_stamp.as_of_ts,
        {{ model_version() }} as model_version
    from exchange_day
    inner join exchange on exchange_day.exchange_id = exchange.exchange_id
    left join token_day
        on exchange_day.exchange_id = token_day.exchange_id
        and exchange_day.day = token_day.day
    left join equity
        on exchange.equity_exchange_id = equity.exchange_id
        and exchange_day.day = equity.day
    left join chain_sum
        on exchange_day.exchange_id = chain_sum.exchange_id
        and exchange_day.day = chain_sum.day
    left join spot
        on exchange.venue_id = spot.venue_id
        and exchange_day.day = spot.day
    left join spot_total on exchange_day.day = spot_total.day
    cross join build_stamp
)

select * from final
order by exchange_id, day
