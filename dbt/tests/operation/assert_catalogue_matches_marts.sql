{% set marts = [
    ref('meta_metric_catalog'), ref('meta_relation'), ref('meta_column_lineage'), ref('readme'),
    ref('dim_asset'), ref('dim_asset_alias'), ref('dim_venue'), ref('dim_stablecoin'),
    ref('ohlcv_daily'), ref('price_daily'), ref('venue_quality_daily'),
    ref('returns_risk_daily'), ref('market_regime_daily'), ref('alt_performance_by_btc_phase'),
    ref('dim_narrative_membership'), ref('narrative_daily'), ref('pair_correlation_daily'),
    ref('stablecoin_supply_daily'), ref('stablecoin_peg_daily'), ref('stablecoin_chain_daily'),
    ref('stablecoin_market_daily'), ref('stablecoin_milestone'), ref('stablecoin_risk_card'),
    ref('ops_load_log'), ref('ops_freshness'), ref('ops_coverage'), ref('ops_check_result'),
    ref('dim_universe_membership'), ref('technical_daily'),
    ref('derivatives_daily'), ref('levels_daily'), ref('trader_grade_daily'),
    ref('investor_grade_daily'), ref('grade_components'), ref('grade_evidence_daily'), ref('signal_daily'),
    ref('signal_event'), ref('signal_performance_daily'), ref('depeg_event_log'),
    ref('depeg_event'), ref('alert'), ref('risk_plan_daily'), ref('portfolio_check_daily'),
    ref('screener_latest'), ref('moonshots'), ref('what_if_token'), ref('peers'),
    ref('network_valuation_daily'), ref('signal_quality'), ref('dim_protocol'),
    ref('dim_chain'), ref('protocol_fundamentals_daily'), ref('protocol_growth_daily'),
    ref('chain_daily'), ref('exchange_token_daily'), ref('dim_token_event'),
    ref('ops_unmapped_id'), ref('ops_revision'), ref('ops_gap'),
    ref('valuation_daily'), ref('peer_percentile_daily'), ref('peer_pair'),
    ref('strategy_trade'), ref('strategy_performance_daily'), ref('strategy_summary')
] %}

with catalogue as (
    select mart, column_name from {{ ref('meta_metric_catalog') }}
),

built as (
    select table_name as mart, column_name
    from information_schema.columns
    where table_schema = 'marts'
        -- dbt builds beside the old table: names of its own do not count
        and table_name not like '%__dbt_%'
)

select 'in no mart' as problem, mart, column_name
from catalogue
where (mart, column_name) not in (select (mart, column_name) from built)

union all

select 'not in the catalogue' as problem, mart, column_name
from built
where (mart, column_name) not in (select (mart, column_name) from catalogue)
