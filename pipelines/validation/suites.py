"""The publication contracts: what users of each mart are promised.

A column that is named here may be renamed, retyped or dropped only with a new `schema_version` of
its mart; new columns need no promise at first. Shares and medians are set wide: they are to catch
a table that is half empty or in another unit, not a calm or a wild market.
"""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract
from pipelines.validation.defi_suites import DEFI_CONTRACTS
from pipelines.validation.derivative_suites import DERIVATIVE_CONTRACTS
from pipelines.validation.network_suites import NETWORK_CONTRACTS
from pipelines.validation.plan_suites import PLAN_CONTRACTS
from pipelines.validation.regime_suites import REGIME_CONTRACTS
from pipelines.validation.signal_suites import SIGNAL_CONTRACTS
from pipelines.validation.stablecoin_suites import STABLECOIN_CONTRACTS

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_FLAG = Column("BOOLEAN")
_COUNT = Column("BIGINT")
_NUMBER = Column("DOUBLE")
_INSTANT = Column("TIMESTAMP WITH TIME ZONE")

# without Bitcoin there is no first stage of quote conversion, no beta and no correlation
_ASSET = Column("VARCHAR", contains=("bitcoin",))
# a price table of which half is unknown is none
_MOSTLY = Column("DOUBLE", filled_frac=0.5)

_BUILT = {"as_of_ts": _INSTANT, "model_version": _TEXT}

CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "dim_asset",
        ("asset_id",),
        {
            "asset_id": _ASSET,
            "symbol": _TEXT,
            "name": _TEXT,
            "asset_class": _TEXT,
            "sector": _TEXT,
            "launch_day": _DAY,
            "first_price_day": _DAY,
            "last_price_day": _DAY,
            "market_count": _COUNT,
            "venue_count": _COUNT,
            "source_status": _TEXT,
        },
    ),
    Contract(
        "dim_asset_alias",
        ("source", "source_id", "valid_from"),
        {
            "source": _TEXT,
            "source_id": _TEXT,
            "asset_id": _ASSET,
            "valid_from": _DAY,
            "valid_to": _DAY,
        },
    ),
    Contract(
        "dim_venue",
        ("venue_id",),
        {
            "venue_id": _TEXT,
            "name": _TEXT,
            "venue_kind": _TEXT,
            "first_day": _DAY,
            "last_day": _DAY,
            "market_count": _COUNT,
            "is_excluded": _FLAG,
        },
    ),
    Contract(
        "dim_stablecoin",
        ("stablecoin_id", "valid_from"),
        {
            "stablecoin_id": _TEXT,
            "valid_from": _DAY,
            "valid_to": _DAY,
            "is_current": _FLAG,
            "asset_id": _TEXT,
            "symbol": _TEXT,
            "name": _TEXT,
            "mechanism": _TEXT,
            "peg_ref": _TEXT,
            "units_per_token": _NUMBER,
            "is_rebasing": _FLAG,
            "is_yield_bearing": _FLAG,
            "is_double_counted": _FLAG,
            "launch_day": _DAY,
            "dead_from": _DAY,
            "gone_from": _DAY,
            "source_status": _TEXT,
        },
    ),
    Contract(
        "price_daily",
        ("asset_id", "day"),
        {
            "asset_id": _ASSET,
            "day": _DAY,
            "close_usd": _MOSTLY,
            "volume_usd": _MOSTLY,
            "n_venues": _COUNT,
            "n_rejected": _COUNT,
            "dispersion_bps": _NUMBER,
            "price_quality": _TEXT,
            "evidence": _TEXT,
            "quote_basis": _TEXT,
            "is_stale": _FLAG,
            "is_final": _FLAG,
            "pit_basis": _TEXT,
            **_BUILT,
        },
    ),
    Contract(
        "ohlcv_daily",
        ("asset_id", "day"),
        {
            "asset_id": _ASSET,
            "day": _DAY,
            "open_usd": _MOSTLY,
            "high_usd": _MOSTLY,
            "low_usd": _MOSTLY,
            "close_usd": _MOSTLY,
            "vwap_usd": _NUMBER,
            "high_any_usd": _NUMBER,
            "low_any_usd": _NUMBER,
            "volume_usd": _MOSTLY,
            "trade_count": _COUNT,
            **_BUILT,
        },
    ),
    Contract(
        "venue_quality_daily",
        ("asset_id", "venue_id", "day"),
        {
            "asset_id": _ASSET,
            "venue_id": _TEXT,
            "day": _DAY,
            "close_usd": _NUMBER,
            # half of all venues cannot be a hundred basis points off the price made of them
            "dev_bps": Column("DOUBLE", median=(-100, 100)),
            "volume_usd": _NUMBER,
            "volume_share_90d_frac": Column("DOUBLE", median=(0, 1)),
            "is_eligible": _FLAG,
            "is_accepted": _FLAG,
            "exclusion_reason": _TEXT,
            **_BUILT,
        },
    ),
    Contract(
        "returns_risk_daily",
        ("asset_id", "day"),
        {
            "asset_id": _ASSET,
            "day": _DAY,
            # fractions, not percent; a market that moves 5 % a day in the middle is none
            "ret_1d": Column("DOUBLE", filled_frac=0.5, median=(-0.05, 0.05)),
            "ret_7d": _NUMBER,
            "ret_14d": _NUMBER,
            "ret_30d": _NUMBER,
            "ret_90d": _NUMBER,
            "ret_180d": _NUMBER,
            "ret_365d": _NUMBER,
            "logret_1d": _MOSTLY,
            "vol_7d_ann": _NUMBER,
            # annualised: un-annualised volatility has its middle near 0.04
            "vol_30d_ann": Column("DOUBLE", median=(0.05, 5), severity="warn"),
            "vol_90d_ann": _NUMBER,
            "vol_180d_ann": _NUMBER,
            "drawdown_frac": Column("DOUBLE", median=(-1, 0)),
            "ewma_vol_ann": _NUMBER,
            "sharpe_90d": _NUMBER,
            "sortino_90d": _NUMBER,
            "max_drawdown_365d": _NUMBER,
            "var95_1d": _NUMBER,
            "es95_1d": _NUMBER,
            "beta_btc_90d": _NUMBER,
            "corr_btc_30d": _NUMBER,
            "corr_btc_90d": _NUMBER,
            **_BUILT,
        },
    ),
    Contract(
        "technical_daily",
        ("asset_id", "day"),
        {
            "asset_id": _ASSET,
            "day": _DAY,
            "sma_20": _NUMBER,
            "sma_50": _NUMBER,
            "sma_200": _NUMBER,
            "ema_12": _NUMBER,
            "ema_26": _NUMBER,
            "cross_50_200": _TEXT,
            "cross_12_26": _TEXT,
            # 0 to 100; a market whose middle is at an end of the scale is none
            "rsi_14": Column("DOUBLE", median=(20, 80)),
            "macd": _NUMBER,
            "macd_signal": _NUMBER,
            "macd_hist": _NUMBER,
            "atr_14": _NUMBER,
            # a fraction of the price, not percent
            "natr_14": Column("DOUBLE", median=(0.001, 0.5)),
            "bb_up": _NUMBER,
            "bb_mid": _NUMBER,
            "bb_low": _NUMBER,
            "bb_pctb": _NUMBER,
            "bb_width": _NUMBER,
            "donchian_high_20": _NUMBER,
            "donchian_low_20": _NUMBER,
            "donch_pos": Column("DOUBLE", median=(0.05, 0.95)),
            "ret_28d": _NUMBER,
            "tsmom_28": _NUMBER,
            "tsmom_90": _NUMBER,
            "xsmom_28_pctile": _NUMBER,
            "xsmom_90_pctile": _NUMBER,
            "volume_z_30d": Column("DOUBLE", median=(-3, 3)),
            "pivot_p": _NUMBER,
            "pivot_week_p": _NUMBER,
            "nearest_support_usd": _NUMBER,
            "nearest_resistance_usd": _NUMBER,
            **_BUILT,
        },
    ),
    Contract(
        "levels_daily",
        ("asset_id", "day", "level_id"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "level_id": _TEXT,
            "level_kind": _TEXT,
            "level_usd": Column("DOUBLE", filled_frac=1),
            "side": _TEXT,
            "is_nearest": _FLAG,
            "dist_atr": _NUMBER,
            "known_from_day": _DAY,
            "strength": _NUMBER,
            **_BUILT,
        },
        # two days of history have no level yet
        min_rows=0,
    ),
    Contract(
        "dim_universe_membership",
        ("universe_id", "asset_id", "day"),
        {
            "universe_id": Column("VARCHAR", contains=("core",)),
            "asset_id": _ASSET,
            "day": _DAY,
            "is_member": _FLAG,
            "membership_reason": _TEXT,
            "universe_rank": _COUNT,
            "asset_class": _TEXT,
            "volume_median_30d_usd": _NUMBER,
            **_BUILT,
        },
    ),
    Contract(
        "meta_metric_catalog",
        ("mart", "column_name"),
        {
            "mart": _TEXT,
            "column_name": _TEXT,
            "data_type": _TEXT,
            "unit": _TEXT,
            "formula": _TEXT,
            "formula_anchor": _TEXT,
            "null_rule": _TEXT,
            "min_value": _NUMBER,
            "max_value": _NUMBER,
            "description": _TEXT,
            "schema_version": _COUNT,
        },
    ),
    Contract(
        "ops_load_log",
        ("source", "load_id", "table_name"),
        {
            "source": _TEXT,
            "load_id": _TEXT,
            "table_name": _TEXT,
            "run_id": _TEXT,
            "fetched_at": _INSTANT,
            "window_start_at": _INSTANT,
            "window_end_at": _INSTANT,
            "status": _TEXT,
            "first_error": _TEXT,
            "request_count": _COUNT,
            "retry_count": _COUNT,
            "throttle_count": _COUNT,
            "landed_row_count": _COUNT,
            "quarantined_row_count": _COUNT,
            "byte_count": _COUNT,
            "duration_s": _NUMBER,
        },
    ),
    Contract(
        "ops_coverage",
        ("mart", "column_name", "entity_id"),
        {
            "mart": _TEXT,
            "column_name": _TEXT,
            "data_type": _TEXT,
            "entity_id": _TEXT,
            "first_day": _DAY,
            "last_day": _DAY,
            "row_count": _COUNT,
            "null_frac": _NUMBER,
            "limiting_source": _TEXT,
        },
    ),
    Contract(
        "ops_freshness",
        ("subject_kind", "subject"),
        {
            "subject_kind": _TEXT,
            "subject": _TEXT,
            "newest_day": _DAY,
            "lag_h": _NUMBER,
            "declared_lag_h": _NUMBER,
            "status": _TEXT,
        },
    ),
    Contract(
        "ops_gap",
        ("source", "table_name", "series_id", "gap_from"),
        {
            "source": _TEXT,
            "table_name": _TEXT,
            "series_id": _TEXT,
            "gap_from": _DAY,
            "gap_to": _DAY,
            "gap_d": _COUNT,
            "reason": _TEXT,
            "is_repairable": _FLAG,
        },
        # a lake may be complete
        min_rows=0,
    ),
    Contract(
        "ops_check_result",
        ("run_id", "check_kind", "mart", "check_name"),
        {
            "run_id": _TEXT,
            "checked_at": _INSTANT,
            "check_kind": _TEXT,
            "check_name": _TEXT,
            "mart": _TEXT,
            "severity": _TEXT,
            "is_passed": _FLAG,
            "failed_row_count": _COUNT,
            "detail": _TEXT,
        },
        # the first run has no results of earlier ones
        min_rows=0,
    ),
    *SIGNAL_CONTRACTS,
    *STABLECOIN_CONTRACTS,
    *PLAN_CONTRACTS,
    *NETWORK_CONTRACTS,
    *DERIVATIVE_CONTRACTS,
    *DEFI_CONTRACTS,
    *REGIME_CONTRACTS,
)
