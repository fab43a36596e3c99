"""Confirmed labels, quadrants and baskets."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.regime import (
    basket_index,
    basket_weights,
    capped_weights,
    confirmed,
    days_in_label,
    market_mood,
    rotation,
)
from tests.unit.analytics.support import GAP, assert_list, assert_same, column, days, series

N = None


def labels(values: list[str | None]) -> pl.LazyFrame:
    return series({"label": values}).with_columns(pl.col("label").cast(pl.String))


def test_a_label_changes_on_its_third_day() -> None:
    values = ["bull"] * 3 + ["bear", "bear", "bull", "bear", "bear", "bear"]
    result = confirmed(labels(values), entity="asset_id", label="label", days=3)
    assert column(result, "label_confirmed") == [N, N] + ["bull"] * 6 + ["bear"]
    assert column(result, "label_confirmed_from") == [N] * 8 + ["bull"]


def test_an_unlabelled_day_freezes_the_confirmation() -> None:
    result = confirmed(
        labels(["bull", N, "bull", "bull", N]), entity="asset_id", label="label", days=3
    )
    assert column(result, "label_confirmed") == [N, N, N, "bull", N]


def test_days_in_a_quadrant_count_calendar_days() -> None:
    values = ["x", "x", N, "x", "y", "y", *[N] * 8, "y"]
    result = days_in_label(
        labels(values), entity="asset_id", label="label", max_gap_d=GAP, alias="d"
    )
    assert column(result, "d") == [1, 2, N, 4, 1, 2, *[N] * 8, 1]


def turning(ratio: list[float]) -> pl.LazyFrame:
    return rotation(
        series({"index_level": ratio, "benchmark_level": [1.0] * len(ratio)}),
        entity="asset_id",
        fast=1,
        slow=2,
        momentum=2,
        centre=100,
    )


def test_the_four_quadrants() -> None:
    """SMA1/SMA2 of 1, 2, 3, 3.3, 2, 1, 1: above 100 while rising."""
    result = turning([1, 2, 3, 3.3, 2, 1, 1]).collect()
    assert_list(
        result["rs_ratio"].to_list(),
        [
            N,
            *[
                100 * a / ((a + b) / 2)
                for a, b in ((2, 1), (3, 2), (3.3, 3), (2, 3.3), (1, 2), (1, 1))
            ],
        ],
    )
    assert result["quadrant"].to_list() == [
        N,
        N,
        "weakening",
        "weakening",
        "lagging",
        "lagging",
        "leading",
    ]
    assert turning([3, 1, 0.9]).collect()["quadrant"].to_list()[-1] == "improving"


def test_rotation_windows_of_the_specification() -> None:
    """The ratio needs 30 days, its momentum 38."""
    level = [1000 * 1.001**i for i in range(60)]
    result = rotation(
        series({"index_level": level, "benchmark_level": [1000.0] * 60}),
        entity="asset_id",
        fast=10,
        slow=30,
        momentum=9,
        centre=100,
    ).collect()
    assert result["rs_ratio"].null_count() == 29
    assert result["rs_momentum"].null_count() == 37
    assert result["quadrant"].null_count() == 37


def weights(sizes: list[float | None], cap: float) -> list[float | None]:
    frame = pl.LazyFrame(
        {"g": [1] * len(sizes), "size": sizes}, schema_overrides={"size": pl.Float64}
    )
    return column(capped_weights(frame, groups=["g"], size="size", cap=cap), "weight")


def test_the_excess_of_a_cap_goes_to_the_rest_in_proportion() -> None:
    assert_list(weights([70, 10, 10, 10], 0.25), [0.25] * 4)
    assert_list(weights([50, 20, 10, 10, 10], 0.30), [0.3, 0.28, 0.14, 0.14, 0.14])


def test_spreading_the_excess_may_lift_another_member_to_the_cap() -> None:
    assert_list(weights([60.0, 24, 4, 4, 4, 4], 0.25), [0.25, 0.25, 0.125, 0.125, 0.125, 0.125])


def test_too_few_members_for_a_cap_weigh_the_same() -> None:
    assert_list(weights([90, 9, 1], 0.25), [1 / 3] * 3)


def test_a_member_without_a_size_weighs_nothing() -> None:
    assert_list(weights([N, 30, 0, 70], 1.0), [N, 0.3, N, 0.7])


def basket(
    prices: dict[str, list[float | None]],
    *,
    start: date = date(2024, 1, 30),
    sizes: dict[str, float | list[float]] | None = None,
    dead_from: dict[str, date] | None = None,
    members: dict[str, list[int]] | None = None,
    cap: float = 1.0,
    min_members: int = 2,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weights and index of a narrative; January 30 is day 0, February 1 is day 2."""
    count = len(next(iter(prices.values())))
    rows = []
    belongs = []
    for name, values in prices.items():
        for i, price in enumerate(values):
            day = start + timedelta(days=i)
            size = (sizes or {}).get(name, 1.0)
            size = size[i] if isinstance(size, list) else size
            rows.append((name, day, price, size, (dead_from or {}).get(name)))
            if members is None or i in members.get(name, range(count)):
                belongs.append(("ai", name, day, 1.0))
    quotes = pl.LazyFrame(
        rows,
        schema={
            "asset_id": pl.String,
            "day": pl.Date,
            "close_usd": pl.Float64,
            "mcap_usd": pl.Float64,
            "dead_from": pl.Date,
        },
        orient="row",
    )
    joined = pl.LazyFrame(
        belongs,
        schema={
            "narrative_id": pl.String,
            "asset_id": pl.String,
            "day": pl.Date,
            "membership_weight": pl.Float64,
        },
        orient="row",
    )
    held = basket_weights(joined, quotes, cap=cap, min_members=min_members)
    index = basket_index(held, base_level=1000, min_members=min_members)
    return held.collect(), index.collect()


def test_a_basket_is_formed_on_the_first_of_the_month_from_the_day_before() -> None:
    held, index = basket({"a": [1, 1, 2, 4], "b": [1, 1, 1, 1]}, sizes={"a": 3.0, "b": 1.0})
    assert held["day"].min() == date(2024, 2, 1)
    first = held.filter(pl.col("day") == date(2024, 2, 1))
    assert first["base_weight"].to_list() == first["weight"].to_list() == [0.75, 0.25]
    # a doubles twice: 0.75 x 2 + 0.25 = 1.75, then 0.75 x 4 + 0.25 = 3.25
    assert_list(index["basket_ret"].to_list(), [0.75, 3.25 / 1.75 - 1])
    assert_list(index["index_level"].to_list(), [1750.0, 3250.0])


def test_a_basket_knows_the_market_caps_of_the_day_before_only() -> None:
    sizes: dict[str, float | list[float]] = {"a": [1.0, 3.0, 99.0], "b": 1.0}
    held, _ = basket({"a": [1, 1, 1], "b": [1, 1, 1]}, sizes=sizes)
    assert held["base_weight"].to_list() == [0.75, 0.25]


def test_weights_drift_until_the_next_first_of_the_month() -> None:
    held, _ = basket({"a": [1, 1, 3, 3], "b": [1, 1, 1, 1]})
    drifted = held.filter(pl.col("day") == date(2024, 2, 2))["weight"].to_list()
    assert_list(drifted, [0.75, 0.25])
    long = {"a": [1.0, 1, 3] + [3.0] * 30, "b": [1.0] * 33}
    held, _ = basket(long)
    march = held.filter(pl.col("day") == date(2024, 3, 1))["weight"].to_list()
    assert_list(march, [0.5, 0.5])


def test_the_cap_holds_at_the_rebalancing() -> None:
    held, _ = basket({name: [1, 1, 1] for name in "abcde"}, sizes={"a": 96.0}, cap=0.25)
    first = held.filter(pl.col("day") == date(2024, 2, 1))
    assert_list(first["base_weight"].to_list(), [0.25, 0.1875, 0.1875, 0.1875, 0.1875])
    assert first["is_capped"].to_list() == [True, False, False, False, False]


def test_a_missing_member_hands_its_weight_to_the_others() -> None:
    held, index = basket({"a": [1, 1, 2, N, 2], "b": [1, 1, 1, 1.5, 1.5], "c": [1, 1, 1, 1.5, 1.5]})
    missing = index.filter(pl.col("day") == date(2024, 2, 2)).row(0, named=True)
    assert (missing["member_count"], missing["missing_count"]) == (3, 1)
    assert missing["is_redistributed"]
    assert missing["basket_ret"] == pytest.approx(0.5)
    row = held.filter((pl.col("day") == date(2024, 2, 2)) & (pl.col("asset_id") == "a"))
    assert row["weight"].to_list() == [None]


def test_too_few_members_make_no_basket_and_no_return() -> None:
    held, index = basket({"a": [1, 1, 2], "b": [1, 1, 2]}, min_members=3)
    assert held.height == index.height == 0
    _, index = basket({"a": [1, 1, 2, N, 3, 6], "b": [1, 1, 2, 4, 4, 8]})
    assert_list(index["basket_ret"].to_list(), [1.0, N, N, 1.0])
    assert_list(index["index_level"].to_list(), [2000.0, N, N, 4000.0])


def test_a_dead_member_goes_to_zero_from_its_last_price() -> None:
    died = date(2024, 2, 3)
    held, index = basket(
        {"a": [1, 1, 1, N, N, N], "b": [1, 1, 1, 1, 1, 1], "c": [1, 1, 1, 1, 1, 1]},
        dead_from={"a": died},
    )
    fall = held.filter((pl.col("asset_id") == "a") & (pl.col("day") == died))
    assert fall["ret_1d"].to_list() == [-1.0]
    level = index["index_level"].to_list()
    assert_list(level, [1000.0, 1000.0, 2000 / 3, 2000 / 3])


def test_a_dead_member_is_not_bought_again() -> None:
    values = {name: [1.0] * 35 for name in "abc"}
    held, _ = basket(values, dead_from={"a": date(2024, 2, 10)})
    march = held.filter(pl.col("day") == date(2024, 3, 1))
    assert march["asset_id"].to_list() == ["b", "c"]


def test_who_leaves_is_sold_and_who_joins_waits() -> None:
    held, _ = basket(
        {name: [1.0] * 35 for name in "abcd"},
        members={"c": list(range(4)), "d": list(range(4, 35))},
    )
    by_day = {day: rows["asset_id"].to_list() for (day,), rows in held.group_by("day")}
    assert by_day[date(2024, 2, 2)] == ["a", "b", "c"]
    assert by_day[date(2024, 2, 4)] == ["a", "b"]
    assert by_day[date(2024, 3, 1)] == ["a", "b", "d"]


def test_a_basket_is_the_same_to_the_last_bit_whatever_the_order_of_rows() -> None:
    """Wide enough that an engine with threads of its own adds up in another order each time."""
    count, assets = 300, 60
    random = np.random.default_rng(9)
    paths = np.exp(random.normal(0, 0.04, (assets, count)).cumsum(axis=1))
    rows = pl.DataFrame(
        {
            "asset_id": [f"a{i:02}" for i in range(assets) for _ in range(count)],
            "day": days(count) * assets,
            "close_usd": paths.ravel(),
            "mcap_usd": (paths * random.uniform(1e6, 1e9, (assets, 1))).ravel(),
        }
    ).with_columns(
        pl.lit(None, pl.Date).alias("dead_from"),
        pl.lit("ai").alias("narrative_id"),
        pl.lit(1.0).alias("membership_weight"),
    )

    def bits(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        given = rows.sample(fraction=1, shuffle=True, seed=seed)
        held = basket_weights(
            given.select("narrative_id", "asset_id", "day", "membership_weight").lazy(),
            given.select("asset_id", "day", "close_usd", "mcap_usd", "dead_from").lazy(),
            cap=0.25,
            min_members=3,
        )
        index = basket_index(held, base_level=1000, min_members=3)
        return held.collect(), index.collect()

    held, index = bits(0)
    for seed in range(1, 4):
        again, index_again = bits(seed)
        assert_same(held, again, keys=["narrative_id", "asset_id", "day"], tolerance=0)
        assert_same(index, index_again, keys=["narrative_id", "day"], tolerance=0)


def test_a_label_of_one_entity_does_not_confirm_another() -> None:
    frame = pl.concat(
        series({"label": ["x", "x"]}, asset=name).with_columns(pl.col("label").cast(pl.String))
        for name in "ab"
    )
    result = confirmed(frame, entity="asset_id", label="label", days=3)
    assert column(result, "label_confirmed") == [N] * 4
    assert result.collect()["day"].to_list() == days(2) * 2


def test_a_value_on_the_line_is_neither_bull_nor_bear() -> None:
    """Both above, both below, one of each, on the line, unknown."""
    frame = pl.LazyFrame(
        {
            "total_mcap_usd": [2.0, 1.0, 2.0, 2.0, 1.5, N],
            "total_mcap_sma_200_usd": [1.5] * 6,
            "breadth_above_sma50": [0.6, 0.4, 0.4, 0.5, 0.4, 0.6],
        }
    )
    moods = market_mood(frame, bull_breadth=0.5).collect()["mood"].to_list()
    assert moods == ["bull", "bear", "neutral", "neutral", "neutral", N]
