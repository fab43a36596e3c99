"""Tails, moments and ratios against plain computations on lists."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import polars as pl
import pytest

from pipelines.analytics.distribution import COLUMNS, DistributionParameters, return_distribution
from pipelines.analytics.risk import Window

PARAMETERS = DistributionParameters(
    window=Window(days=30, min_obs=20), tail_frac=0.05, sd_floor=1e-9
)
FIRST = date(2024, 1, 1)


def run(returns: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [
        {"asset_id": asset, "day": FIRST + timedelta(days=number), "ret_1d": value}
        for asset, values in returns.items()
        for number, value in enumerate(values)
    ]
    frame = pl.DataFrame(rows, schema={"asset_id": pl.String, "day": pl.Date, "ret_1d": pl.Float64})
    return return_distribution(frame.lazy(), PARAMETERS).collect()


def plain(values: list[float]) -> dict[str, float]:
    """The definitions, on one window."""
    n, ordered = len(values), sorted(values)

    def quantile(frac: float) -> float:
        place = frac * (n - 1)
        below = math.floor(place)
        above = min(below + 1, n - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    low, high = quantile(0.05), quantile(0.95)
    tail = [value for value in values if value <= low]
    mean = sum(values) / n
    m2, m3, m4 = (sum((value - mean) ** power for value in values) / n for power in (2, 3, 4))
    g1, g2 = m3 / m2**1.5, m4 / m2**2 - 3
    return {
        "var95_1d": -low,
        "es95_1d": -sum(tail) / len(tail),
        "skew": g1 * math.sqrt(n * (n - 1)) / (n - 2),
        "kurt_excess": (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6),
        "tail_ratio": abs(high) / abs(low),
        "profit_factor": sum(v for v in values if v > 0) / -sum(v for v in values if v < 0),
    }


def test_every_row_agrees_with_the_definitions_across_gaps_and_neighbours() -> None:
    draw = random.Random(7)
    series: dict[str, list[float | None]] = {
        asset: [None if draw.random() < 0.1 else draw.gauss(0, 0.04) for _ in range(80)]
        for asset in ("a", "b")
    }
    found = run(series)
    checked = 0
    for row in found.iter_rows(named=True):
        number = (row["day"] - FIRST).days
        window = [
            v for v in series[row["asset_id"]][max(0, number - 29) : number + 1] if v is not None
        ]
        if len(window) < 20:
            assert all(row[name] is None for name in COLUMNS), row
            continue
        checked += 1
        for name, expected in plain(window).items():
            assert row[name] == pytest.approx(expected, rel=1e-9), (name, row)
    assert checked > 80


def test_a_constant_price_has_no_shape_and_no_ratio() -> None:
    last = run({"a": [0.0] * 40}).row(-1, named=True)
    assert last["var95_1d"] == 0
    assert last["es95_1d"] == 0
    assert [last[n] for n in ("skew", "kurt_excess", "tail_ratio", "profit_factor")] == [None] * 4


def test_without_losses_there_is_no_profit_factor() -> None:
    assert run({"a": [0.01, 0.02] * 20}).row(-1, named=True)["profit_factor"] is None


def test_the_shortfall_is_never_smaller_than_the_value_at_risk() -> None:
    draw = random.Random(11)
    found = run({"a": [draw.gauss(0, 0.05) for _ in range(200)]}).drop_nulls()
    assert found.height > 150
    assert (found["es95_1d"] >= found["var95_1d"] - 1e-12).all()


def test_later_days_change_nothing() -> None:
    draw = random.Random(13)
    values: list[float | None] = [draw.gauss(0, 0.03) for _ in range(90)]
    assert run({"a": values}).head(60).equals(run({"a": values[:60]}))
