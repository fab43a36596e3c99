{% set metric_day -%}
    {{ utc_day('time') }} - case when metric like 'ReferenceRate%' then 1 else 0 end
{%- endset %}
{% set prices = [['close', 'price']] %}
{% set restated = [
    {
        'relation': ref('hist_coinmetrics__asset_metric'), 'source': 'coinmetrics',
        'table': 'asset_metrics', 'key': ['asset', 'metric', 'time'], 'id': ['asset'],
        'day': metric_day, 'measures': [['value', none]], 'name_of': 'metric',
        'mart': 'network_valuation_daily'
    },
    {
        'relation': ref('hist_coinmetrics_archive__asset_metric'), 'source': 'coinmetrics_archive',
        'table': 'asset_metrics', 'key': ['asset', 'metric', 'time'], 'id': ['asset'],
        'day': metric_day, 'measures': [['value', none]], 'name_of': 'metric',
        'mart': 'network_valuation_daily'
    },
    {
        'relation': ref('hist_blockchain_info__chart'), 'source': 'blockchain_info',
        'table': 'charts', 'key': ['chart', 'day_time'], 'id': ['chart'],
        'day': utc_day('day_time'), 'measures': [['value', none]], 'name_of': 'chart',
        'mart': 'network_valuation_daily'
    },
    {
        'relation': ref('hist_defillama_stablecoins__balance'), 'source': 'defillama_stablecoins',
        'table': 'balances', 'key': ['stablecoin_id', 'chain', 'day_time'],
        'id': ['stablecoin_id', 'chain'], 'day': utc_day('day_time'),
        'measures': [['circulating', 'supply']], 'mart': 'stablecoin_supply_daily'
    },
    {
        'relation': ref('hist_defillama_stablecoins__price'), 'source': 'defillama_stablecoins',
        'table': 'prices', 'key': ['gecko_id', 'day_time'], 'id': ['gecko_id'],
        'day': utc_day('day_time'), 'measures': [['price', 'price']],
        'mart': 'stablecoin_peg_daily'
    },
    {
        'relation': ref('hist_coingecko__market_chart'), 'source': 'coingecko',
        'table': 'market_chart', 'key': ['coin_id', 'label_time'], 'id': ['coin_id'],
        'day': utc_day('label_time') ~ ' - 1',
        'measures': [['price_usd', 'price'], ['market_cap_usd', 'supply']],
        'mart': 'market_regime_daily'
    },
    {
        'relation': ref('hist_defillama__protocol_tvl'), 'source': 'defillama',
        'table': 'protocol_tvl', 'key': ['slug', 'chain', 'label_time'], 'id': ['slug', 'chain'],
        'day': utc_day('label_time') ~ ' - 1', 'measures': [['tvl_usd', 'tvl']],
        'mart': 'protocol_fundamentals_daily'
    },
    {
        'relation': ref('hist_defillama__chain_tvl'), 'source': 'defillama', 'table': 'chain_tvl',
        'key': ['chain', 'label_time'], 'id': ['chain'],
        'day': utc_day('label_time') ~ ' - 1', 'measures': [['tvl_usd', 'tvl']],
        'mart': 'chain_daily'
    },
    {
        'relation': ref('hist_defillama__protocol_metric'), 'source': 'defillama',
        'table': 'protocol_metrics', 'key': ['series_id', 'chain', 'version', 'day_time'],
        'id': ['series_id', 'chain', 'version'], 'day': utc_day('day_time'),
        'measures': [['amount_usd', 'flow']], 'mart': 'protocol_fundamentals_daily'
    }
] %}
{% for venue in spot_venues() %}
    {% do restated.append({
        'relation': ref('hist_' ~ venue.name ~ '__' ~ venue.candle), 'source': venue.name,
        'table': venue.table, 'key': venue.key, 'id': venue.names, 'day': utc_day('open_time'),
        'measures': prices, 'mart': 'ohlcv_daily'
    }) %}
    {% do restated.append({
        'relation': ref('hist_' ~ venue.name ~ '__' ~ venue.candle ~ '_intraday'),
        'source': venue.name, 'table': venue.table ~ '_intraday', 'key': ['series_id', 'open_time'],
        'id': ['series_id', 'open_time'], 'day': utc_day('open_time'), 'measures': prices,
        'mart': 'ohlcv_daily'
    }) %}
{% endfor %}

-- what sources said later than they had said first. One row per changed fact, column and version.
with final as (
    {% for one in restated %}
        {{ revisions_of(one) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from final
