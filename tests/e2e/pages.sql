-- Rows for every kind of page and chart: 800 days of one thing each, with a few names that are hostile.
insert into marts.dim_asset by name
select 'ethereum' as asset_id, 'ETH' as symbol, 'Ethereum' as name;

create temp table days as
select date '2024-02-29' - i::integer as day, i, 100 + 10 * sin(i / 20.0) as wave
from range(800) as numbers (i);

create temp table assets as
select asset_id, symbol, name, 1.0 + row_number() over (order by asset_id) as size
from marts.dim_asset
where asset_id in ('bitcoin', 'ethereum', 'evil');

insert into marts.price_daily by name
select asset_id, symbol, name, day, wave * size as close_usd, 1e6 * wave as volume_usd, 3 as n_venues,
    'ok' as price_quality
from assets, days
where (asset_id = 'ethereum' or i >= 60);
update marts.screener_latest
set trader_grade = 60, narrative_ids = 'ai; defi', sector = 'store of value'
where asset_id = 'bitcoin';
insert into marts.screener_latest by name
select 'ethereum' as asset_id, 'ETH' as symbol, 'Ethereum' as name, date '2024-02-29' as day,
    3000.0 as close_usd, 70.0 as trader_grade, 1e9 as mcap_usd, true as is_in_universe, -1 as signal;
insert into marts.returns_risk_daily by name
select asset_id, symbol, name, day, 0.01 as ret_1d, -0.02 as ret_7d, 0.1 as ret_30d,
    wave / 100 - 1.2 as drawdown_frac, wave / 200 as vol_30d_ann, 0.6 as vol_180d_ann
from assets, days;
insert into marts.trader_grade_daily by name
select asset_id, symbol, name, day, wave - 40 as trader_grade, 1 as grade_rank, 'strong' as evidence
from assets, days;
insert into marts.investor_grade_daily by name
select asset_id, symbol, name, day, 120 - wave as investor_grade from assets, days;
insert into marts.grade_components by name
select asset_id, symbol, name, date '2024-02-29' as day, grade, factor, 'calm_grade' as factor_group,
    0.5 as factor_value, 60.0 as xs_pctile, 60.0 as score, 0.5 as weight_frac, 30.0 as contribution
from assets, (values ('trader_grade'), ('investor_grade')) as grades (grade),
    (values ('range_30d'), ('age')) as factors (factor);
insert into marts.signal_daily by name
select asset_id, symbol, name, day, 1 as signal, i as held_d from assets, days;
insert into marts.signal_event by name
select 'event-' || asset_id || i as event_id, i + 1 as event_seq, asset_id, symbol, name, day,
    day + 1 as effective_day, 0 as from_signal, case when i % 2 = 0 then 1 else -1 end as to_signal,
    'enter_long' as signal_reason, 70.0 as trader_grade
from assets, days where i % 100 = 3;
insert into marts.signal_performance_daily by name
select asset_id, symbol, name, day, wave / 100 as strat_index, 1.0 as hold_index from assets, days;
insert into marts.risk_plan_daily by name
select asset_id, symbol, name, day, day + 1 as effective_day, 1 as signal, 100.0 as entry_usd,
    90.0 as stop_price, 0.1 as stop_dist_frac, 120.0 as take_profit_1, 130.0 as take_profit_2
from assets, days where i = 0;
insert into marts.levels_daily by name
select asset_id, symbol, name, day, 'level-' || level as level_id, level as level_usd,
    case when level < 100 then 'support' else 'resistance' end as side, true as is_nearest,
    1.0 as dist_atr, 3 as touch_count, 2.0 as strength
from assets, days, (values (95.0), (110.0)) as levels (level) where i = 0;
insert into marts.derivatives_daily by name
select asset_id, symbol, name, day, wave / 1000 - 0.1 as carry_ann_frac, wave * 1e7 as oi_usd
from assets, days;
insert into marts.valuation_daily by name
select asset_id, symbol, name, day, 'store_of_value' as sector, wave * 1e9 as mcap_usd,
    wave * 2e9 as fdv_usd, wave as pf_circ_x, wave * 3 as ps_circ_x
from assets, days;
insert into marts.peers by name
select asset_id, symbol, name, 'pf_circ_x' as metric, date '2024-02-29' as day, 'dex' as sector,
    12.0 as metric_value, 5 as peer_count, 60.0 as sector_pctile, 10.0 as sector_median,
    0.2 as premium_to_median_frac
from assets;
insert into marts.dim_narrative_membership by name
select asset_id, symbol, name, 'ai' as narrative_id, date '2023-01-01' as valid_from,
    1.0 as membership_weight
from assets;
insert into marts.narrative_daily by name
select narrative_id, day, 3 as member_count, wave * size as basket_index, 99 + size + i % 7 as rs_ratio,
    101 - size + i % 5 as rs_momentum,
    case when size > 1 then 'leading' else 'lagging' end as quadrant, size as narrative_rank,
    1e9 * wave as mcap_usd
from (values ('ai', 2), ('defi', 1)) as narratives (narrative_id, size), days;
insert into marts.pair_correlation_daily by name
select 'bitcoin' as a_id, 'BTC' as a_symbol, 'Bitcoin' as a_name, 'ethereum' as b_id,
    'ETH' as b_symbol, 'Ethereum' as b_name, date '2024-02-29' as day, 'asset' as b_kind,
    0.8 as corr_30d, 0.7 as corr_prior_90d, false as breakdown_flag;
insert into marts.dim_token_event by name
select 'bitcoin' as asset_id, 'halving' as event_kind, timestamp '2024-04-20' as effective_at,
    'block 840,000' as note;
insert into marts.market_regime_daily by name
select day, wave * 2e10 as total_mcap_usd, wave * 1.9e10 as total_mcap_sma_200_usd,
    1000 + wave as market_index, 0.01 as market_ret_1d, wave / 200 as btc_dominance_frac,
    0.2 as eth_dominance_frac, 0.3 as alt_share_frac, 0.1 as stablecoin_share_frac,
    wave - 50 as altseason_index, 'neutral' as season_label, 'bull' as regime,
    'rising' as btc_phase, 'into_alts' as rotation_phase, wave / 200 as breadth_above_sma50,
    0.1 as pct_grade_high
from days;
insert into marts.stablecoin_market_daily by name
select day, wave * 1e9 as total_supply_usd, 1e9 as net_mint_30d_usd from days;

create temp table coins as
select * from (values ('tether', 'USDT', 'Tether', 2), ('nova', 'NOVA', '<b>Nova</b>', 1))
    as coins (stablecoin_id, symbol, name, size);
insert into marts.stablecoin_supply_daily by name
select stablecoin_id, symbol, name, day, wave * size * 1e9 as supply_usd,
    wave * size * 1e9 as supply_par_usd, 3 - size as supply_rank, 1e9 as net_mint_30d_usd
from coins, days;
insert into marts.stablecoin_chain_daily by name
select stablecoin_id, symbol, name, chain, day, wave * size * 1e8 as supply_usd
from coins, days, (values ('Ethereum'), ('Base'), ('"><script>')) as chains (chain);
insert into marts.stablecoin_peg_daily by name
select stablecoin_id, symbol, name, day, 1.0 as price_usd,
    case when i between 100 and 110 then -900 else wave - 100 end as dev_bps,
    wave - 120 as dev_low_bps, 0.1 as time_off_peg_30d_frac, 'ok' as price_quality
from coins, days;
insert into marts.stablecoin_risk_card by name
select stablecoin_id, symbol, name, 'fiat' as mechanism, 'USD' as peg_ref,
    date '2024-02-29' as day, 1.0 as price_usd, -12.0 as dev_bps, wave * size * 1e9 as supply_usd,
    1 as depeg_count, -900.0 as worst_bps, 0.1 as time_off_peg_30d_frac, false as is_depeg_open
from coins, days where i = 0;
insert into marts.depeg_event by name
select 'one' as event_id, stablecoin_id, symbol, name, 'closed' as event_state,
    date '2023-11-10' as start_day, date '2023-11-20' as last_day_off, date '2023-11-22' as closed_day,
    'severe' as severity, -900.0 as worst_bps, 11 as duration_d, 'fast' as detection_rule
from coins where stablecoin_id = 'tether';
insert into marts.stablecoin_milestone by name
select stablecoin_id, symbol, name, 1e9 as threshold_usd, date '2022-01-01' as reached_day from coins;
insert into marts.dim_protocol by name
select 'aave' as protocol_id, 'Aave' as name, 'AAVE' as symbol, 'Lending' as category,
    'bitcoin' as token_asset_id, 'BTC' as token_asset_symbol;
insert into marts.protocol_fundamentals_daily by name
select 'aave' as protocol_id, 'AAVE' as symbol, 'Aave' as name, chain_id, chain_name, day,
    'Lending' as category, false as is_family_total, wave * 1e8 as tvl_usd, wave * 1e5 as fees_usd,
    wave * 3e4 as revenue_usd, wave * 1e6 as dex_volume_usd
from days, (values ('__total__', null), ('Base', 'Base')) as chains (chain_id, chain_name);
insert into marts.protocol_growth_daily by name
select 'aave' as protocol_id, 'AAVE' as symbol, 'Aave' as name, day, wave * 1e8 as tvl_usd,
    0.1 as tvl_growth_7d_frac, 1e7 as tvl_change_7d_usd, 2e7 as usd_inflow_7d_usd,
    -1e7 as price_effect_7d_usd, 0.2 as fees_growth_30d_frac
from days;
insert into marts.chain_daily by name
select 'Base' as chain_id, 'ETH' as symbol, 'Base' as name, day, wave * 1e8 as tvl_usd,
    wave * 1e8 as tvl_usd_ffill, wave * 5e7 as stables_usd, wave * 1e5 as app_fees_usd,
    wave * 4e4 as app_revenue_usd, wave * 1e6 as dex_volume_usd
from days;
insert into marts.exchange_token_daily by name
select 'binance' as exchange_id, day, 'bitcoin' as token_asset_id, 'BTC' as token_asset_symbol,
    wave * 1e9 as token_mcap_usd, wave * 1.1e9 as token_fdv_usd, wave * 1e8 as spot_volume_usd,
    wave / 200 as spot_volume_share_frac
from days;
insert into marts.venue_quality_daily by name
select 'binance' as venue_id, asset_id, symbol, name, date '2024-02-29' as day, 100.0 as close_usd,
    1e6 as volume_usd, -3.0 as dev_bps, true as is_accepted
from assets;
insert into marts.grade_evidence_daily by name
select grade, day, 7 as horizon_d, 0.05 as ic_mean, wave / 1000 as ic_recent_mean, 3.0 as ic_t_stat,
    'strong' as evidence
from (values ('trader_grade'), ('investor_grade')) as grades (grade), days;
insert into marts.signal_quality by name
select 'grade' as measure_kind, measure, 'all' as universe, 'all' as period, horizon_d, statistic,
    quantile, 0.01 * quantile + 0.01 as statistic_value, 0.01 as standard_error, 2.0 as t_stat,
    800 as day_count
from (values ('trader_grade'), ('investor_grade')) as measures (measure),
    (values (1), (7), (28)) as horizons (horizon_d),
    (values ('ic', 0), ('quantile_ret', 1), ('quantile_ret', 3), ('quantile_ret', 5))
        as statistics (statistic, quantile);
insert into marts.strategy_performance_daily by name
select strategy_id, day, wave / 100 as equity
from (values ('bitcoin_hold'), ('follow')) as strategies (strategy_id), days;
insert into marts.strategy_summary by name
select 'follow' as strategy_id, 'all' as period, 'Follows the signal' as definition,
    0.3 as ret_frac, 0.5 as sharpe_ann, 0.6 as sharpe_ann_se, -0.4 as max_drawdown_frac;
insert into marts.ops_freshness by name
select 'source' as subject_kind, 'binance.klines' as subject, date '2024-02-29' as newest_day,
    6.0 as lag_h, 30.0 as declared_lag_h, 'fresh' as status;
insert into marts.ops_coverage by name
select 'valuation_daily' as mart, 'fees_7d_usd' as column_name, 'bitcoin' as entity_id,
    800 as row_count, 1.0 as null_frac, 'DefiLlama' as limiting_source;
insert into marts.ops_check_result by name
select 'dbt' as check_kind, 'not_null' as check_name, 'price_daily' as mart, 'warn' as severity,
    false as is_passed, 3 as failed_row_count, 'three rows' as detail;
insert into marts.ops_gap by name
select 'binance' as source, 'BTCUSDT' as series_id, date '2024-01-01' as gap_from,
    date '2024-01-02' as gap_to, 2 as gap_d, 'source_outage' as reason, false as is_repairable;
