"""Pivots, swings, clusters and the nearest levels, on bars that a reader can follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.levels import (
    PIVOTS,
    levels,
    nearest_levels,
    pivot_levels,
    pivots,
    swings,
    weekly_pivots,
)
from tests.unit.analytics.support import LEVELS, START, bars, days, series, walk

SMALL = replace(LEVELS, swing_bars=1, atr_d=2, lookback_d=20, half_life_d=5)


def tent(peaks: dict[int, float], count: int, base: float = 10.0) -> pl.LazyFrame:
    """Flat bars with single highs; lows fall slowly, so that they are no swings."""
    high = [peaks.get(i, base) for i in range(count)]
    low = [base - 1 - 0.0001 * i for i in range(count)]
    return bars(high, low, [base - 0.5] * count)


def test_pivots_of_the_day_before() -> None:
    frame = bars([12.0, 1], [9.0, 1], [10.5, 1])
    row = pivots(frame).collect().row(1, named=True)
    assert [row[name] for name in PIVOTS] == [10.5, 12, 9, 13.5, 7.5, 15, 6]
    assert pivots(frame).collect().row(0, named=True)["pivot_p"] is None


def test_pivots_are_in_order() -> None:
    result = pivots(walk(1, length=100).lazy()).collect().drop_nulls()
    order = [f"pivot_{name}" for name in ("s3", "s2", "s1", "p", "r1", "r2", "r3")]
    for lower, upper in pairwise(order):
        assert (result[lower] <= result[upper]).all(), f"{lower} is above {upper}"


def test_weekly_pivots_use_the_last_week_that_was_over() -> None:
    """The unfinished week is no week. 2024-01-01 is a Monday."""
    assert START.isoweekday() == 1
    high = [float(i) for i in range(1, 22)]
    frame = bars(high, [h - 2 for h in high], [h - 1 for h in high])
    result = weekly_pivots(frame, min_days=1).collect()
    assert result["pivot_week_p"].to_list()[:7] == [None] * 7
    first = (7 + (1 - 2) + 6) / 3
    assert result["pivot_week_p"].to_list()[7:14] == [first] * 7
    assert result["pivot_week_r1"].to_list()[7] == 2 * first - (-1)
    partial = weekly_pivots(frame.filter(pl.col("day") > days(21)[2]), min_days=5).collect()
    assert partial["pivot_week_p"].to_list()[:11] == [None] * 11


def test_pivot_levels_say_since_when_they_are_known() -> None:
    rows = pivot_levels(walk(1, assets=1, length=30).lazy(), min_week_days=1).collect()
    kinds = {kind for (kind,), _ in rows.group_by("level_kind")}
    assert kinds == {"pivot_day", "pivot_week"}
    daily = rows.filter(pl.col("level_kind") == "pivot_day")
    assert ((daily["day"] - daily["known_from_day"]).unique().to_list()) == [timedelta(days=1)]
    weekly = rows.filter(pl.col("level_kind") == "pivot_week")
    assert weekly["known_from_day"].dt.weekday().unique().to_list() == [7]
    age = (weekly["day"] - weekly["known_from_day"]).dt.total_days()
    assert (age.min(), age.max()) == (1, 7)


def test_a_swing_is_known_five_days_after_it_happened() -> None:
    """What is seen on the swing's own day leaks."""
    high = [1.0, 2, 3, 4, 5, 9, 5, 4, 3, 2, 1]
    frame = bars(high, [h - 0.5 for h in high], high)
    found = swings(frame, bars=5).collect()
    assert found.rows(named=True) == [
        {
            "asset_id": "a",
            "swing_day": days(11)[5],
            "known_from_day": days(11)[10],
            "kind": "high",
            "price_usd": 9.0,
        }
    ]
    assert swings(frame.filter(pl.col("day") < days(11)[10]), bars=5).collect().height == 0


def test_a_swing_level_appears_on_the_day_it_is_known_and_not_before() -> None:
    rows = levels(tent({5: 12.0}, 12), SMALL).collect()
    assert rows["day"].min() == rows["known_from_day"].unique().item() == days(12)[6]
    assert rows["level_id"].unique().to_list() == [f"high|{days(12)[5]}"]


def test_near_swings_merge_to_their_mean_and_keep_the_first_name() -> None:
    # the ATR is about 1 here, so half of it is about 0.5
    rows = levels(tent({5: 11.0, 9: 11.2}, 14), SMALL).collect()
    assert rows["level_id"].unique().to_list() == [f"high|{days(14)[5]}"]
    last = rows.row(-1, named=True)
    assert last["level_usd"] == pytest.approx(11.1)
    assert last["swing_count"] == 2
    assert last["known_from_day"] == days(14)[6]
    assert last["price_known_from_day"] == days(14)[10]
    before = rows.filter(pl.col("day") == days(14)[9]).row(0, named=True)
    assert before["level_usd"] == 11.0, "the second swing must not move the level in advance"


def test_far_swings_stay_apart() -> None:
    rows = levels(tent({5: 11.0, 9: 14.0}, 14), SMALL).collect()
    last = rows.filter(pl.col("day") == days(14)[-1])
    assert last["level_usd"].to_list() == [11.0, 14.0]


def test_a_level_lives_for_its_look_back_after_its_newest_swing() -> None:
    rows = levels(tent({5: 12.0}, 60), SMALL).collect()
    assert rows["day"].max() == days(60)[5 + SMALL.lookback_d - 1]
    touched = levels(tent({5: 12.0, 20: 12.0}, 60), SMALL).collect()
    assert touched["day"].max() == days(60)[20 + SMALL.lookback_d - 1]


def test_touches_are_counted_over_the_look_back_and_fade() -> None:
    rows = levels(tent({5: 12.0, 10: 12.0}, 40), SMALL).collect()
    by_day = {row["day"]: row for row in rows.iter_rows(named=True)}
    assert by_day[days(40)[6]]["touch_count"] == 1
    two = by_day[days(40)[12]]
    assert two["touch_count"] == 2
    assert two["strength"] == pytest.approx(2 ** (-7 / 5) + 2 ** (-2 / 5))
    assert by_day[days(40)[25]]["touch_count"] == 1, "the first touch is 20 days old"
    assert by_day[days(40)[29]]["strength"] == pytest.approx(2 ** (-19 / 5))


def test_the_nearest_levels_enclose_the_close() -> None:
    frame = walk(2, assets=2, length=400)
    rows = levels(frame.lazy(), LEVELS).collect()
    near = nearest_levels(rows.lazy()).collect().join(frame, on=["asset_id", "day"])
    assert near.height > 300
    for side, sign in (("support", 1), ("resistance", -1)):
        known = near.drop_nulls(f"nearest_{side}_usd")
        gap = sign * (known["close_usd"] - known[f"nearest_{side}_usd"])
        assert (gap > 0).all(), f"{side} on the wrong side of the close"
        best = (
            rows.filter(pl.col("side") == side)
            .group_by("asset_id", "day")
            .agg(pl.col("dist_atr").abs().min().alias("best"))
        )
        joined = known.join(best, on=["asset_id", "day"])
        assert (joined[f"{side}_dist_atr"] == joined["best"]).all()
    assert (rows["known_from_day"] <= rows["day"]).all()
    assert (rows["price_known_from_day"] <= rows["day"]).all()


def test_a_limit_per_side_keeps_the_nearest() -> None:
    frame = walk(2, assets=2, length=400).lazy()
    every = levels(frame, LEVELS).collect()
    few = levels(frame, replace(LEVELS, max_per_side=2)).collect()
    assert few.height < every.height
    kept = every.filter(
        (pl.col("dist_atr").abs().rank("ordinal").over("asset_id", "day", "side") <= 2)
        | (pl.col("side") == "at")
    )
    assert few.sort("asset_id", "day", "level_id").equals(kept.sort("asset_id", "day", "level_id"))


def test_blocks_of_work_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = walk(3, assets=4, length=300)
    whole = levels(frame.lazy(), LEVELS).collect()
    monkeypatch.setattr("pipelines.analytics.levels._BLOCK_CELLS", 1)
    assert levels(frame.lazy(), LEVELS).collect().equals(whole)


def test_two_assets_never_share_a_level() -> None:
    one = tent({5: 12.0}, 12)
    two = one.with_columns(pl.lit("b").alias("asset_id"))
    rows = levels(pl.concat([one, two]), SMALL).collect()
    assert rows.group_by("asset_id").len()["len"].to_list() == [6, 6]


def test_an_empty_market_has_no_levels() -> None:
    frame = series({"high_usd": [], "low_usd": [], "close_usd": []}).cast(
        {
            "asset_id": pl.String,
            "day": pl.Date,
            "high_usd": pl.Float64,
            "low_usd": pl.Float64,
            "close_usd": pl.Float64,
        }
    )
    assert levels(frame, LEVELS).collect().height == 0
    assert swings(frame, bars=5).collect().height == 0


def test_parameters_without_sense_are_refused() -> None:
    with pytest.raises(AnalyticsError, match="lookback_d > swing_bars"):
        replace(LEVELS, lookback_d=5)


def test_levels_are_of_this_market_only() -> None:
    """A level's days are the asset's own: none before it was listed, none behind its last bar."""
    frame = walk(4, assets=1, length=100)
    rows = levels(frame.lazy(), LEVELS).collect()
    assert date(2024, 1, 11) <= rows["day"].min()
    assert rows["day"].max() == frame["day"].max()
