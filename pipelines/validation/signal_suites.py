"""The publication contracts of grades, signals, alerts, plans and broken pegs (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_FLAG = Column("BOOLEAN")
_COUNT = Column("BIGINT")
_NUMBER = Column("DOUBLE")
_INSTANT = Column("TIMESTAMP WITH TIME ZONE")

_BUILT = {"as_of_ts": _INSTANT, "model_version": _TEXT}
_VERSIONED = {"grade_version": _TEXT, "weights_hash": _TEXT}

# half of a market is better than the other half: a middle far from 50 is another unit, or a bug
_GRADE = Column("DOUBLE", median=(20, 80))

SIGNAL_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "trader_grade_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "is_in_universe": _FLAG,
            "trader_grade": _GRADE,
            "ta_grade": _GRADE,
            "quant_grade": _GRADE,
            "flow_grade": _NUMBER,
            "coverage_frac": Column("DOUBLE", median=(0.6, 1), severity="warn"),
            "grade_rank": _COUNT,
            "grade_change_1d": _NUMBER,
            "grade_change_7d": _NUMBER,
            "grade_signal": _TEXT,
            "momentum_label": _TEXT,
            **_VERSIONED,
            **_BUILT,
        },
        # a lake of less than three months has nobody to grade
        min_rows=0,
    ),
    Contract(
        "investor_grade_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "is_in_universe": _FLAG,
            "investor_grade": _NUMBER,
            "valuation_grade": _NUMBER,
            "growth_grade": _NUMBER,
            "tokenomics_grade": _NUMBER,
            "quality_grade": _NUMBER,
            "liquidity_grade": _NUMBER,
            "coverage_frac": _NUMBER,
            "grade_rank": _COUNT,
            "grade_change_1d": _NUMBER,
            "grade_change_7d": _NUMBER,
            "grade_signal": _TEXT,
            "momentum_label": _TEXT,
            "peer_scope": _TEXT,
            "grade_class": _TEXT,
            "trader_grade": _NUMBER,
            "divergence": _NUMBER,
            **_VERSIONED,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "grade_components",
        ("asset_id", "day", "grade", "factor"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "grade": _TEXT,
            "factor": _TEXT,
            "factor_group": _TEXT,
            "factor_value": _NUMBER,
            "xs_pctile": Column("DOUBLE", median=(40, 60)),
            "ts_pctile": _NUMBER,
            "score": Column("DOUBLE", median=(20, 80)),
            "is_young": _FLAG,
            "peer_scope": _TEXT,
            "group_weight": _NUMBER,
            "weight_frac": Column("DOUBLE", median=(0, 0.5)),
            "contribution": _NUMBER,
            **_VERSIONED,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "signal_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "effective_day": _DAY,
            "trader_grade": _NUMBER,
            "signal": _COUNT,
            "previous_signal": _COUNT,
            "trend": _COUNT,
            "held_d": _COUNT,
            "signal_reason": _TEXT,
            "grade_version": _TEXT,
            "signal_version": _TEXT,
            "weights_hash": _TEXT,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "signal_event",
        ("event_id",),
        {
            "event_id": _TEXT,
            "asset_id": _TEXT,
            "day": _DAY,
            "effective_day": _DAY,
            "known_at": _INSTANT,
            "from_signal": _COUNT,
            "to_signal": _COUNT,
            "signal_reason": _TEXT,
            "trader_grade": _NUMBER,
            "grade_version": _TEXT,
            "signal_version": _TEXT,
            "weights_hash": _TEXT,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "signal_performance_daily",
        ("asset_id", "day"),
        {
            "asset_id": _TEXT,
            "day": _DAY,
            "effective_signal": _COUNT,
            # a strategy that earns 3 % a day in the middle looks into the future
            "strat_ret": Column("DOUBLE", median=(-0.03, 0.03)),
            "strat_index": _NUMBER,
            "hold_ret": Column("DOUBLE", median=(-0.05, 0.05)),
            "hold_index": _NUMBER,
            "cost_bps": _NUMBER,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "depeg_event_log",
        ("event_id", "known_from_day"),
        {
            "event_id": _TEXT,
            "stablecoin_id": _TEXT,
            "known_from_day": _DAY,
            "known_at": _INSTANT,
            "change": _TEXT,
            "start_day": _DAY,
            "detected_day": _DAY,
            "detection_rule": _TEXT,
            "worst_bps": _NUMBER,
            "worst_low_bps": _NUMBER,
            "last_day_off": _DAY,
            "closed_day": _DAY,
            "severity": _TEXT,
            **_BUILT,
        },
        min_rows=0,
    ),
    Contract(
        "depeg_event",
        ("event_id",),
        {
            "event_id": _TEXT,
            "stablecoin_id": _TEXT,
            "event_state": _TEXT,
            "start_day": _DAY,
            "detected_day": _DAY,
            "detection_rule": _TEXT,
            "worst_bps": _NUMBER,
            "worst_low_bps": _NUMBER,
            "last_day_off": _DAY,
            "closed_day": _DAY,
            "severity": _TEXT,
            "known_from_day": _DAY,
            **_BUILT,
        },
        min_rows=0,
    ),
)
