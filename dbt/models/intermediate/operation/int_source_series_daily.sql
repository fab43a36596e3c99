-- which days of which series are landed, for the raw tables that owe a row a day; a row that its source
-- has taken back since is no gap of ours, so the newest version need not be looked for
with candle as (
    select * from {{ ref('int_market_candle_raw_daily') }}
),

-- a day with some hours missing is not landed: what is there stands beside the gap
rollup as (
    select * from {{ ref('int_market_candle_rollup_daily') }}
    where is_complete
),

metric as (
    select * from {{ ref('stg_coinmetrics__asset_metric') }}
),

balance as (
    select * from {{ ref('stg_defillama_stablecoins__balance') }}
    where chain_name = '__total__'
),

chain_tvl as (
    select * from {{ ref('stg_defillama__chain_tvl') }}
),

coin_price as (
    select * from {{ ref('stg_defillama_coins__price') }}
),

chart as (
    select * from {{ ref('stg_coingecko__market_chart') }}
),

pool_day as (
    select * from {{ ref('stg_defillama_yields__pool_day') }}
),

binance_funding as (
    select * from {{ ref('hist_binance_futures__funding_rate') }}
    where {{ is_known() }} and not is_deleted
),

binance_interest as (
    select * from {{ ref('hist_binance_futures__open_interest') }}
    where {{ is_known() }} and not is_deleted
),

okx_funding as (
    select * from {{ ref('hist_okx__funding_rate') }}
    where {{ is_known() }} and not is_deleted
),

bybit_funding as (
    select * from {{ ref('hist_bybit__funding_rate') }}
    where {{ is_known() }} and not is_deleted
),

bybit_interest as (
    select * from {{ ref('hist_bybit__open_interest') }}
    where {{ is_known() }} and not is_deleted
),

bitcoin_chart as (
    select * from {{ ref('hist_blockchain_info__chart') }}
    where {{ is_known() }} and not is_deleted
),

transfer as (
    select * from {{ ref('hist_ethereum__transfer') }}
    where {{ is_known() }} and not is_deleted
),

stablecoin_price as (
    select * from {{ ref('hist_defillama_stablecoins__price') }}
    where {{ is_known() }} and not is_deleted
),

stablecoin_chart as (
    select * from {{ ref('hist_defillama_stablecoins__chart') }}
    where {{ is_known() }} and not is_deleted
),

protocol_tvl as (
    select * from {{ ref('hist_defillama__protocol_tvl') }}
    where {{ is_known() }} and not is_deleted and chain = '__total__'
),

protocol_token as (
    select * from {{ ref('hist_defillama__protocol_token') }}
    where {{ is_known() }} and not is_deleted
),

protocol_metric as (
    select * from {{ ref('hist_defillama__protocol_metric') }}
    where {{ is_known() }} and not is_deleted and chain = '__total__'
),

chain_metric as (
    select * from {{ ref('hist_defillama__chain_metric') }}
    where {{ is_known() }} and not is_deleted
),

exchange_rate as (
    select * from {{ ref('hist_ecb__exchange_rate') }}
    where {{ is_known() }} and not is_deleted
),

gold_price as (
    select * from {{ ref('hist_gold__price') }}
    where {{ is_known() }} and not is_deleted
),

zloty_rate as (
    select * from {{ ref('hist_gold__currency_rate') }}
    where {{ is_known() }} and not is_deleted
),

final as (
    select
        venue_id as source,
        {{ candle_table('venue_id') }} as table_name,
        symbol as entity_id,
        day
    from candle

    union all

    select
        venue_id as source,
        {{ candle_table('venue_id') }} || '_intraday' as table_name,
        series_id as entity_id,
        day
    from rollup

    union all

    select distinct 'coinmetrics' as source, 'asset_metrics' as table_name, source_asset_id as entity_id, day
    from metric

    union all

    select 'defillama_stablecoins' as source, 'balances' as table_name, defillama_id as entity_id, day
    from balance

    union all

    select 'defillama' as source, 'chain_tvl' as table_name, chain_name as entity_id, day
    from chain_tvl

    union all

    select 'defillama_coins' as source, 'prices' as table_name, 'coingecko:' || gecko_id as entity_id, day
    from coin_price

    union all

    select 'coingecko' as source, 'market_chart' as table_name, coin_id as entity_id, day
    from chart

    union all

    select 'defillama_yields' as source, 'pool_chart' as table_name, pool_id as entity_id, day
    from pool_day

    union all

    -- contracts settle several times a day
    select distinct
        'binance_futures' as source,
        'funding_rate' as table_name,
        symbol as entity_id,
        day
    from ({{ dated('binance_funding', 'funding_time', 'binance_futures', 'funding_rate', series='symbol') }})

    union all

    select distinct
        'binance_futures' as source,
        'open_interest_hist' as table_name,
        symbol as entity_id,
        day
    from ({{ dated('binance_interest', '"time"', 'binance_futures', 'open_interest_hist', series='symbol') }})

    union all

    select distinct
        'okx' as source,
        'funding_rate_history' as table_name,
        inst_id as entity_id,
        day
    from ({{ dated('okx_funding', 'funding_time', 'okx', 'funding_rate_history', series='inst_id') }})

    union all

    select distinct
        'bybit' as source,
        'funding_history' as table_name,
        symbol as entity_id,
        day
    from ({{ dated('bybit_funding', 'funding_time', 'bybit', 'funding_history', series='symbol') }})

    union all

    select distinct
        'bybit' as source,
        'open_interest' as table_name,
        symbol as entity_id,
        day
    from ({{ dated('bybit_interest', '"time"', 'bybit', 'open_interest', series='symbol') }})

    union all

    select distinct
        'blockchain_info' as source,
        'charts' as table_name,
        chart as entity_id,
        day
    from ({{ dated('bitcoin_chart', 'day_time', 'blockchain_info', 'charts', series='chart') }})

    union all

    select distinct
        'ethereum' as source,
        'transfers' as table_name,
        token as entity_id,
        day
    from ({{ dated('transfer', 'day_time', 'ethereum', 'transfers', series='token') }})

    union all

    -- one answer has all coins
    select distinct
        'defillama_stablecoins' as source,
        'prices' as table_name,
        '*' as entity_id,
        day
    from ({{ dated('stablecoin_price', 'day_time', 'defillama_stablecoins', 'prices', series='gecko_id') }})

    union all

    select distinct
        'defillama_stablecoins' as source,
        'charts' as table_name,
        chain as entity_id,
        day
    from ({{ dated('stablecoin_chart', 'day_time', 'defillama_stablecoins', 'charts', series='chain') }})

    union all

    select distinct
        'defillama' as source,
        'protocol_tvl' as table_name,
        slug as entity_id,
        day
    from ({{ dated('protocol_tvl', 'label_time', 'defillama', 'protocol_tvl', series='slug') }})

    union all

    select distinct
        'defillama' as source,
        'protocol_tokens' as table_name,
        slug as entity_id,
        day
    from ({{ dated('protocol_token', 'label_time', 'defillama', 'protocol_tokens', series='slug') }})

    union all

    select distinct
        'defillama' as source,
        'protocol_metrics' as table_name,
        series_id as entity_id,
        day
    from ({{ dated('protocol_metric', 'day_time', 'defillama', 'protocol_metrics', series='slug') }})

    union all

    select distinct
        'defillama' as source,
        'chain_metrics' as table_name,
        series_id as entity_id,
        day
    from ({{ dated('chain_metric', 'day_time', 'defillama', 'chain_metrics', series='chain') }})

    union all

    select distinct
        'ecb' as source,
        'exchange_rates' as table_name,
        currency as entity_id,
        day
    from ({{ dated('exchange_rate', 'day_time', 'ecb', 'exchange_rates', series='currency') }})

    union all

    select distinct
        'gold' as source,
        'prices' as table_name,
        metal as entity_id,
        day
    from ({{ dated('gold_price', 'day_time', 'gold', 'prices', series='metal') }})

    union all

    select distinct
        'gold' as source,
        'currency_rates' as table_name,
        currency as entity_id,
        day
    from ({{ dated('zloty_rate', 'day_time', 'gold', 'currency_rates', series='currency') }})
)

select * from final
