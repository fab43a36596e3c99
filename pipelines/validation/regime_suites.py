"""The publication contracts of the market's regime, narratives and correlations (see `suites`)."""

from __future__ import annotations

from pipelines.validation.contracts import Column, Contract

_TEXT = Column("VARCHAR")
_DAY = Column("DATE")
_FLAG = Column("BOOLEAN")
_COUNT = Column("BIGINT")
_NUMBER = Column("DOUBLE")
_INSTANT = Column("TIMESTAMP WITH TIME ZONE")

_BUILT = {"as_of_ts": _INSTANT, "model_version": _TEXT}

REGIME_CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "market_regime_daily",
        ("day",),
        {
            "day": _DAY,
            "asset_count": _COUNT,
            "total_mcap_usd": _NUMBER,
            "total_mcap_1_usd": _NUMBER,
            "total_mcap_ath_usd": _NUMBER,
            "total_mcap_drawdown_frac": _NUMBER,
            "total_mcap_sma_200_usd": _NUMBER,
            "mcap_price_effect_1d_usd": _NUMBER,
            "mcap_issuance_effect_1d_usd": _NUMBER,
            "mcap_coverage_effect_1d_usd": _NUMBER,
            "market_ret_1d": _NUMBER,
            "market_index": _NUMBER,
            "btc_dominance_frac": _NUMBER,
            "btc_dominance_ex_stable_frac": _NUMBER,
            "eth_dominance_frac": _NUMBER,
            "alt_share_frac": _NUMBER,
            "stablecoin_share_frac": _NUMBER,
            "asset_backed_share_frac": _NUMBER,
            "alt_share_change_30d": _NUMBER,
            "rotation_phase": _TEXT,
            "altseason_index": _NUMBER,
            "altseason_member_count": _COUNT,
            "altseason_index_pit": _NUMBER,
            "altseason_pit_member_count": _COUNT,
            "season_label": _TEXT,
            "ret_30d_btc": _NUMBER,
            "ret_30d_large": _NUMBER,
            "ret_30d_mid": _NUMBER,
            "ret_30d_small": _NUMBER,
            "risk_curve_slope": _NUMBER,
            "btc_phase": _TEXT,
            "btc_range_20d_frac": _NUMBER,
            "regime": _TEXT,
            "universe_count": _COUNT,
            "breadth_above_sma50": _NUMBER,
            "adv_dec": _NUMBER,
            "pct_new_high_90d": _NUMBER,
            "pct_grade_high": _NUMBER,
            "market_venue_count": _COUNT,
            "venue_hhi": _NUMBER,
            **_BUILT,
        },
        min_rows=1,
    ),
    Contract(
        "alt_performance_by_btc_phase",
        ("btc_phase",),
        {
            "btc_phase": _TEXT,
            "phase_day_count": _COUNT,
            "alt_ret_1d_mean": _NUMBER,
            "btc_ret_1d_mean": _NUMBER,
            "excess_ret_1d_mean": _NUMBER,
            "excess_ret_1d_se": _NUMBER,
            "alts_ahead_frac": _NUMBER,
            **_BUILT,
        },
        min_rows=0,
    ),
)
