"""What is served under which address: subjects as people name them, each one mart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """An address under `/v1` and the mart that answers there."""

    path: str
    mart: str

    @property
    def tag(self) -> str:
        """The subject: the address's first part."""
        return self.path.split("/")[1]


# an address with more parts stands before the shorter one, which takes an entity as its next part
RESOURCES = tuple(
    Resource(path, mart)
    for path, mart in (
        ("/assets/aliases", "dim_asset_alias"),
        ("/assets/events", "dim_token_event"),
        ("/assets/universe", "dim_universe_membership"),
        ("/assets", "dim_asset"),
        ("/screener", "screener_latest"),
        ("/prices/bars", "ohlcv_daily"),
        ("/prices/venues", "venue_quality_daily"),
        ("/prices/returns", "returns_risk_daily"),
        ("/prices/correlations", "pair_correlation_daily"),
        ("/prices", "price_daily"),
        ("/technicals/levels", "levels_daily"),
        ("/technicals", "technical_daily"),
        ("/grades/trader", "trader_grade_daily"),
        ("/grades/investor", "investor_grade_daily"),
        ("/grades/components", "grade_components"),
        ("/grades/evidence", "grade_evidence_daily"),
        ("/grades/quality", "signal_quality"),
        ("/signals/events", "signal_event"),
        ("/signals/performance", "signal_performance_daily"),
        ("/signals/moonshots", "moonshots"),
        ("/signals", "signal_daily"),
        ("/alerts", "alert"),
        ("/plans/portfolio", "portfolio_check_daily"),
        ("/plans/strategies/performance", "strategy_performance_daily"),
        ("/plans/strategies/trades", "strategy_trade"),
        ("/plans/strategies", "strategy_summary"),
        ("/plans/what-if", "what_if_token"),
        ("/plans", "risk_plan_daily"),
        ("/derivatives", "derivatives_daily"),
        ("/regimes/altcoins", "alt_performance_by_btc_phase"),
        ("/regimes", "market_regime_daily"),
        ("/narratives/members", "dim_narrative_membership"),
        ("/narratives", "narrative_daily"),
        ("/stablecoins/chains", "stablecoin_chain_daily"),
        ("/stablecoins/market", "stablecoin_market_daily"),
        ("/stablecoins/milestones", "stablecoin_milestone"),
        ("/stablecoins/risk", "stablecoin_risk_card"),
        ("/stablecoins/supply", "stablecoin_supply_daily"),
        ("/stablecoins", "dim_stablecoin"),
        ("/pegs/events/log", "depeg_event_log"),
        ("/pegs/events", "depeg_event"),
        ("/pegs", "stablecoin_peg_daily"),
        ("/protocols/fundamentals", "protocol_fundamentals_daily"),
        ("/protocols/growth", "protocol_growth_daily"),
        ("/protocols", "dim_protocol"),
        ("/chains/daily", "chain_daily"),
        ("/chains", "dim_chain"),
        ("/exchanges/tokens", "exchange_token_daily"),
        ("/exchanges", "dim_venue"),
        ("/valuations/peers/pairs", "peer_pair"),
        ("/valuations/peers/percentiles", "peer_percentile_daily"),
        ("/valuations/peers", "peers"),
        ("/valuations", "valuation_daily"),
        ("/networks", "network_valuation_daily"),
        ("/operations/checks", "ops_check_result"),
        ("/operations/coverage", "ops_coverage"),
        ("/operations/freshness", "ops_freshness"),
        ("/operations/gaps", "ops_gap"),
        ("/operations/loads", "ops_load_log"),
        ("/operations/revisions", "ops_revision"),
        ("/operations/unmapped", "ops_unmapped_id"),
        ("/catalog/readme", "readme"),
        ("/catalog/columns", "meta_metric_catalog"),
        ("/catalog/relations", "meta_relation"),
        ("/catalog/lineage", "meta_column_lineage"),
    )
)
