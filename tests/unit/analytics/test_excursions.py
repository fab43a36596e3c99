"""How far prices go for and against a position: by hand, and what must hold of every market."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics.excursions import ExcursionParameters, excursions
from tests.unit.analytics.support import assert_same, walk
from tests.unit.analytics.test_grade_seeds import seed

START = date(2024, 1, 1)
TWO_DAYS = ExcursionParameters(
    excursion_horizon_d=2,
    excursion_window_d=4,
    excursion_min_obs=1,
    adverse_quantile=1.0,
    favourable_quantile=1.0,
    min_stdev=1e-9,
)


def reported(bars: list[tuple[float | None, ...]], **change: Any) -> list[dict[str, Any]]:
    """Of bars of high, low and close with an average true range of 10."""
    frame = pl.DataFrame(
        {
            "asset_id": ["a"] * len(bars),
            "day": [START + timedelta(days=number) for number in range(len(bars))],
            **{
                name: pl.Series([bar[place] for bar in bars], dtype=pl.Float64)
                for place, name in enumerate(("high_usd", "low_usd", "close_usd"))
            },
            "atr_usd": [10.0] * len(bars),
        }
    )
    return excursions(frame.lazy(), replace(TWO_DAYS, **change)).collect().to_dicts()


def test_by_hand() -> None:
    """Entered at 100: down to 95 and up to 120, and closed at 110."""
    rows = reported([(150, 50, 100), (105, 95, 102), (120, 101, 110)])
    assert [row["excursion_count"] for row in rows] == [0, 0, 1], "a window counts once it ended"
    assert rows[1]["long_favourable_excursion_atr"] is None
    assert rows[2]["long_favourable_excursion_atr"] == pytest.approx(2.0)
    assert rows[2]["long_adverse_excursion_atr"] == pytest.approx(0.5)
    assert rows[2]["short_favourable_excursion_atr"] == pytest.approx(0.5)
    assert rows[2]["short_adverse_excursion_atr"] is None, "a short had no profit here"


def test_the_days_before_and_after_a_window_are_not_in_it() -> None:
    rows = reported([(999, 1, 100), (101, 99, 100), (101, 99, 101), (999, 1, 101)])
    assert rows[2]["long_favourable_excursion_atr"] == pytest.approx(0.1)


def test_what_never_came_back_to_its_entry_went_nothing_against_it() -> None:
    rows = reported([(100, 100, 100), (130, 110, 120), (140, 125, 130)])
    assert rows[2]["long_adverse_excursion_atr"] == 0.0


def test_windows_leave_after_their_time() -> None:
    bars: list[tuple[float | None, ...]] = [(100, 100, 100), (200, 100, 100), *[(101, 99, 100)] * 6]
    favourable = [row["long_favourable_excursion_atr"] for row in reported(bars)]
    assert favourable[2:6] == pytest.approx([10.0] * 4)
    assert favourable[6] == pytest.approx(0.1), "the window of the first day is four days old"


@pytest.mark.parametrize(
    ("bar", "counts"),
    [((None, None, None), [0, 0, 0, 0]), ((float("nan"), 99.0, 100.0), [0, 0, 0, 1])],
    ids=["missing", "no high"],
)
def test_a_window_with_a_hole_says_nothing(
    bar: tuple[float | None, ...], counts: list[int]
) -> None:
    """A close without a high can be entered at, but not held through."""
    rows = reported([(100, 99, 100), bar, (101, 99, 100), (101, 99, 100)])
    assert [row["excursion_count"] for row in rows] == counts


def test_too_few_windows_are_no_habit() -> None:
    bars: list[tuple[float | None, ...]] = [(101, 99, 100 + number) for number in range(6)]
    rows = reported(bars, excursion_min_obs=3)
    known = [row["long_favourable_excursion_atr"] is not None for row in rows]
    assert known == [False, False, False, False, True, True]


def test_a_price_that_does_not_move_has_no_range_to_count_in() -> None:
    rows = reported([(100, 100, 100)] * 4, min_stdev=0.2)
    assert [row["excursion_count"] for row in rows] == [0, 0, 0, 0]


def test_the_plan_names_what_is_usual() -> None:
    found = ExcursionParameters.from_plan(seed("cfg_plan"))
    assert found.excursion_min_obs < found.excursion_window_d


some = settings(max_examples=25, deadline=None, derandomize=True)
SHORT = replace(
    TWO_DAYS,
    excursion_window_d=15,
    excursion_min_obs=4,
    adverse_quantile=0.8,
    favourable_quantile=0.5,
)


def market(number: int) -> pl.DataFrame:
    bars = walk(number, assets=2, length=40, holes=0.05, nulls=0.05)
    return bars.with_columns((pl.col("high_usd") - pl.col("low_usd")).alias("atr_usd"))


@some
@given(number=st.integers(0, 2**32 - 1))
def test_a_slow_way_says_the_same(number: int) -> None:
    """Window by window, in plain Python."""
    bars = market(number)
    found = excursions(bars.lazy(), SHORT).collect()
    horizon, days = SHORT.excursion_horizon_d, SHORT.excursion_window_d
    for asset in bars["asset_id"].unique():
        by_day = {row["day"]: row for row in bars.filter(asset_id=asset).to_dicts()}
        for row in found.filter(asset_id=asset).to_dicts():
            rises, lost = [], []
            for back in range(days):
                entry_day = row["day"] - timedelta(days=back + horizon)
                entry = by_day.get(entry_day, {})
                held = [by_day.get(entry_day + timedelta(days=n + 1), {}) for n in range(horizon)]
                highs, lows = ([b.get(name) for b in held] for name in ("high_usd", "low_usd"))
                close, atr = entry.get("close_usd"), entry.get("atr_usd")
                if None in (close, atr, *highs, *lows) or atr <= SHORT.min_stdev * close:
                    continue
                rises.append(max(0.0, (max(highs) - close) / atr))
                if (held[-1].get("close_usd") or 0) > close:
                    lost.append(max(0.0, (close - min(lows)) / atr))
            assert row["excursion_count"] == len(rises)
            for name, values, part in (
                ("long_favourable_excursion_atr", rises, SHORT.favourable_quantile),
                ("long_adverse_excursion_atr", lost, SHORT.adverse_quantile),
            ):
                enough = len(values) >= SHORT.excursion_min_obs
                expected = float(np.quantile(values, part)) if enough else None
                assert row[name] == (expected if expected is None else pytest.approx(expected))


@some
@given(number=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.001, 7.0, 1e4]))
def test_the_unit_of_the_price_does_not_matter(number: int, scale: float) -> None:
    bars = market(number)
    prices = pl.col("high_usd", "low_usd", "close_usd", "atr_usd")
    found = excursions(bars.lazy(), SHORT).collect()
    scaled = excursions(bars.with_columns(prices * scale).lazy(), SHORT).collect()
    assert_same(scaled, found, keys=["asset_id", "day"], what=f"times {scale}")


@some
@given(number=st.integers(0, 2**32 - 1))
def test_a_short_is_a_long_in_the_mirror(number: int) -> None:
    bars = market(number)
    top = 3 * bars["high_usd"].max()
    mirrored = bars.with_columns(
        (top - pl.col("low_usd")).alias("high_usd"),
        (top - pl.col("high_usd")).alias("low_usd"),
        (top - pl.col("close_usd")).alias("close_usd"),
    )
    found, other = (excursions(one.lazy(), SHORT).collect() for one in (bars, mirrored))
    keys = ["asset_id", "day"]
    swapped = {
        f"{side}_{kind}_excursion_atr": f"{mirror}_{kind}_excursion_atr"
        for kind in ("adverse", "favourable")
        for side, mirror in (("long", "short"), ("short", "long"))
    }
    other = other.rename(swapped).select(found.columns)
    assert_same(other, found, keys=keys, what="the mirror", tolerance=1e-6)
