{% set marts = [
    'chain_daily', 'derivatives_daily', 'exchange_token_daily', 'grade_evidence_daily',
    'investor_grade_daily', 'levels_daily',
    'market_regime_daily', 'narrative_daily', 'network_valuation_daily', 'ohlcv_daily',
    'pair_correlation_daily', 'peer_percentile_daily', 'portfolio_check_daily', 'price_daily',
    'protocol_fundamentals_daily', 'protocol_growth_daily', 'returns_risk_daily', 'risk_plan_daily',
    'signal_daily', 'signal_performance_daily', 'stablecoin_chain_daily', 'stablecoin_market_daily',
    'stablecoin_peg_daily', 'stablecoin_supply_daily', 'strategy_performance_daily',
    'technical_daily', 'trader_grade_daily', 'valuation_daily', 'venue_quality_daily'
] %}

-- what begins or ends somewhere is declared, not found out
with counted as (
    {{ coverage_rows(marts) }}
),

build_stamp as (
    select * from {{ ref('int_build_stamp') }}
),

final as (
    select
        counted.mart,
        counted.column_name,
        counted.data_type,
        counted.entity_id,
        counted.first_day,
        counted.last_day,
        counted.row_count,
        1 - cast(counted.value_count as double) / counted.row_count as null_frac,
        counted.limiting_source,
        build_stamp.as_of_ts
    from counted
    cross join build_stamp
)

select * from final
order by mart, column_name, entity_id
