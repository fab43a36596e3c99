"""Two rules that vectorbt can say as well, to nine digits: see cross_check/with_vectorbt.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.strategies import Rule, performance, simulate, trades

HERE = Path(__file__).parent / "cross_check"
FREE = {
    "stop_excursion_x": None,
    "take_profit_excursion_x": None,
    "measure": "signal_daily.signal",
    "entry": "sign",
    "part_count": 5,
    "asset_id": None,
    "top_count": None,
    "fill_at": "open",
    "sizing": "equal_weight",
    "risk_at_stop_frac": None,
    "max_weight_frac": 1.0,
    "max_gross_frac": 1.0,
    "max_net_frac": 1.0,
    "fee_bps": 0.0,
    "slippage_bps": 0.0,
    "impact_bps": 0.0,
    "borrow_ann": 0.0,
    "haircut_frac": 0.5,
    "missing_d": 7,
    "capital_usd": 1e6,
    "capacity_frac": None,
}
RULES: dict[str, dict[str, Any]] = {
    "rebalanced": {
        "exit": "rebalance",
        "rebalance_d": 7,
        "is_resized": True,
        "stop_atr": None,
        "take_profit_r": None,
        "fee_bps": 15.0,
    },
    "stopped": {
        "exit": "any_day",
        "rebalance_d": 1,
        "is_resized": False,
        "stop_atr": 1.0,
        "take_profit_r": (1.5,),
    },
}


def ledger(name: str) -> pl.DataFrame:
    given = pl.read_csv(HERE / "bars.csv", try_parse_dates=True)
    if name == "stopped":
        given = given.filter(pl.col("asset_id") == "a0").with_columns(pl.col("side").clip(0))
    bars = given.with_columns(
        volume_usd=pl.lit(1e9),
        volume_median_30d_usd=pl.lit(1e9),
        funding_frac=pl.lit(None, pl.Float64),
        is_dead=False,
    )
    decided = given.select("asset_id", "day", "side", atr_usd=0.04 * pl.col("close_usd"))
    return simulate(bars, decided, Rule(**FREE | RULES[name]))


@pytest.mark.parametrize("name", RULES)
def test_vectorbt_has_the_same_equity(name: str) -> None:
    said = pl.read_csv(HERE / "equity.csv", try_parse_dates=True).select("day", said=name)
    daily = performance(ledger(name), said["day"].max())
    both = said.join(daily.select("day", "equity"), on="day", how="left")
    # before the first position there is nothing to account for
    found = both["equity"].fill_null(1.0).to_numpy()
    np.testing.assert_allclose(found, both["said"].to_numpy(), rtol=0, atol=1e-9)
    assert both["said"].n_unique() > 50, "the rule hardly traded"


def test_the_second_rule_has_stops_targets_and_signals() -> None:
    endings = trades(ledger("stopped"))["exit_reason"].unique().to_list()
    assert {"stop", "take_profit", "signal"} <= set(endings)
