-- freshness is about the data's days, not about runs: a run that loads yesterday's cache is not fresh
with candle as (
    select * from {{ ref('int_market_candle_raw_daily') }}
),

rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

balance as (
    select * from {{ ref('stg_defillama_stablecoins__balance') }}
),

stablecoin_price as (
    select * from {{ ref('stg_defillama_stablecoins__price') }}
),

protocol_tvl as (
    select * from {{ ref('stg_defillama__protocol_tvl') }}
),

protocol_token as (
    select * from {{ ref('stg_defillama__protocol_token') }}
),

chain_tvl as (
    select * from {{ ref('stg_defillama__chain_tvl') }}
),

protocol_metric as (
    select * from {{ ref('stg_defillama__protocol_metric') }}
),

chain_metric as (
    select * from {{ ref('stg_defillama__chain_metric') }}
),

coin_price as (
    select * from {{ ref('stg_defillama_coins__price') }}
),

pool_day as (
    select * from {{ ref('stg_defillama_yields__pool_day') }}
),

chart as (
    select * from {{ ref('stg_coingecko__market_chart') }}
),

binance_funding as (
    select * from {{ ref('stg_binance_futures__funding_rate') }}
),

binance_interest as (
    select * from {{ ref('stg_binance_futures__open_interest') }}
),

okx_funding as (
    select * from {{ ref('stg_okx__funding_rate') }}
),

bybit_funding as (
    select * from {{ ref('stg_bybit__funding_rate') }}
),

bybit_interest as (
    select * from {{ ref('stg_bybit__open_interest') }}
),

stablecoin_chart as (
    select * from {{ ref('stg_defillama_stablecoins__chart') }}
),

exchange_rate as (
    select * from {{ ref('stg_ecb__exchange_rate') }}
),

gold_price as (
    select * from {{ ref('stg_gold__price') }}
),

zloty_rate as (
    select * from {{ ref('stg_gold__currency_rate') }}
),

bitcoin_chart as (
    select * from {{ ref('stg_blockchain_info__chart') }}
),

transfer as (
    select * from {{ ref('stg_ethereum__transfer') }}
),

coverage as (
    select * from {{ ref('ops_coverage') }}
    where entity_id = '*'
),

-- a table without a lag is an archive: nothing is due
source_convention as (
    select *
    from ({{ source_convention() }})
    where timestamp_convention != 'snapshot' and publish_lag_h is not null
),

ops_config as (
    select * from {{ ref('cfg_ops') }}
    qualify row_number() over (order by version desc) = 1
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

observed as (
    select
        venue_id as source,
        {{ candle_table('venue_id') }} || '_intraday' as table_name,
        max(day) as newest_day
    from rollup
    group by venue_id

    union all

    select
        venue_id as source,
        {{ candle_table('venue_id') }} as table_name,
        max(day) as newest_day
    from candle
    group by venue_id

    union all

    select 'coinmetrics' as source, 'asset_metrics' as table_name, max(day) as newest_day
    from metric

    union all

    select 'defillama_stablecoins' as source, 'balances' as table_name, max(day) as newest_day
    from balance

    union all

    select 'defillama_stablecoins' as source, 'prices' as table_name, max(day) as newest_day
    from stablecoin_price

    union all

    select 'blockchain_info' as source, 'charts' as table_name, max(day) as newest_day
    from bitcoin_chart

    union all

    select 'ethereum' as source, 'transfers' as table_name, max(day) as newest_day
    from transfer

    union all

    select 'defillama' as source, 'protocol_tvl' as table_name, max(day) as newest_day
    from protocol_tvl

    union all

    select 'defillama' as source, 'protocol_tokens' as table_name, max(day) as newest_day
    from protocol_token

    union all

    select 'defillama' as source, 'chain_tvl' as table_name, max(day) as newest_day
    from chain_tvl

    union all

    select 'defillama' as source, 'protocol_metrics' as table_name, max(day) as newest_day
    from protocol_metric

    union all

    select 'defillama' as source, 'chain_metrics' as table_name, max(day) as newest_day
    from chain_metric

    union all

    select 'defillama_coins' as source, 'prices' as table_name, max(day) as newest_day
    from coin_price

    union all

    select 'defillama_yields' as source, 'pool_chart' as table_name, max(day) as newest_day
    from pool_day

    union all

    select 'coingecko' as source, 'market_chart' as table_name, max(day) as newest_day
    from chart

    union all

    -- a settlement at 00:00 is for the day before
    select
        'binance_futures' as source,
        'funding_rate' as table_name,
        max({{ utc_day('settled_at - interval 1 second') }}) as newest_day
    from binance_funding

    union all

    select
        'okx' as source,
        'funding_rate_history' as table_name,
        max({{ utc_day('settled_at - interval 1 second') }}) as newest_day
    from okx_funding

    union all

    select
        'bybit' as source,
        'funding_history' as table_name,
        max({{ utc_day('settled_at - interval 1 second') }}) as newest_day
    from bybit_funding

    union all

    select 'binance_futures' as source, 'open_interest_hist' as table_name, max(day) as newest_day
    from binance_interest

    union all

    select 'bybit' as source, 'open_interest' as table_name, max(day) as newest_day
    from bybit_interest

    union all

    select 'defillama_stablecoins' as source, 'charts' as table_name, max(day) as newest_day
    from stablecoin_chart

    union all

    select 'ecb' as source, 'exchange_rates' as table_name, max(day) as newest_day
    from exchange_rate

    union all

    select 'gold' as source, 'prices' as table_name, max(published_day) as newest_day
    from gold_price

    union all

    select 'gold' as source, 'currency_rates' as table_name, max(day) as newest_day
    from zloty_rate
),

-- a column that ended is not fresh because others go on; a mart is as fresh as its freshest number. A row
-- of NULLs on a missing day is no news.
published as (
    select
        'column' as subject_kind,
        mart || '.' || column_name as subject,
        last_day as newest_day
    from coverage
    where data_type = 'double'

    union all

    select 'mart' as subject_kind, mart as subject, max(last_day) as newest_day
    from coverage
    where data_type = 'double'
    group by mart
),

-- a mart is due when its slowest source is; no mart waits for the working days of reference rates
slowest as (
    select max(publish_lag_h) as publish_lag_h from source_convention
    where timestamp_convention not in ('working_day', 'prior_working_day')
),

subject as (
    select
        'source' as subject_kind,
        source_convention.source || '.' || source_convention.table_name as subject,
        observed.newest_day,
        source_convention.publish_lag_h as declared_lag_h
    from source_convention
    left join observed
        on source_convention.source = observed.source
        and source_convention.table_name = observed.table_name

    union all

    select
        published.subject_kind,
        published.subject,
        published.newest_day,
        slowest.publish_lag_h as declared_lag_h
    from published
    cross join slowest
),

measured as (
    select
        subject.*,
        build_stamp.as_of_ts,
        {{ hours_between(day_start('subject.newest_day + 1'), 'build_stamp.as_of_ts') }} as lag_h
    from subject
    cross join build_stamp
),

final as (
    select
        measured.subject_kind,
        measured.subject,
        measured.newest_day,
        measured.lag_h,
        cast(measured.declared_lag_h as double) as declared_lag_h,
        case
            when measured.newest_day is null then 'empty'
            when measured.lag_h <= measured.declared_lag_h + ops_config.late_after_h then 'fresh'
            when measured.lag_h <= measured.declared_lag_h + ops_config.stale_after_h then 'late'
            else 'stale'
        end as status,
        measured.as_of_ts
    from measured
    cross join ops_config
)

select * from final
order by subject_kind desc, subject
