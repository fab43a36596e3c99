"""Scores, grades, their parts, ranks and labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.scoring import (
    Factor,
    assemble_grade,
    grade_components,
    score_factors,
)
from tests.unit.analytics.support import TRADER, Market, assert_list, markets, series

N = None
FACTORS = [factor.name for factor in TRADER.factors]


def graded(frame: pl.LazyFrame, parameters: Any = TRADER) -> pl.DataFrame:
    return assemble_grade(score_factors(frame, parameters), parameters).collect()


def assets(count: int, **values: list[float | None]) -> pl.LazyFrame:
    """One day of some assets; factors not given are unknown."""
    return pl.concat(
        series(
            {name: [values[name][i] if name in values else None] for name in FACTORS}
            | {"in_universe": [True]},
            asset=f"asset-{i}",
        ).with_columns(pl.col(FACTORS).cast(pl.Float64))
        for i in range(count)
    )


def known(count: int, *names: str) -> pl.LazyFrame:
    return assets(count, **{name: [float(i) for i in range(count)] for name in names})


def test_a_high_value_of_a_factor_that_is_bad_scores_low() -> None:
    result = graded(known(4, *FACTORS))
    assert result["trend_xs"].to_list() == [12.5, 37.5, 62.5, 87.5]
    assert result["downside_xs"].to_list() == [87.5, 62.5, 37.5, 12.5]


def test_rounding_gives_no_rank() -> None:
    """Sums over windows differ in their last bits with the days around them: that is no order."""
    noisy = graded(assets(4, trend=[1.0, 1.0 + 4e-16, 1.0 - 4e-16, 1.0001]))
    assert noisy["trend_xs"].to_list() == [37.5, 37.5, 37.5, 87.5]


def test_a_group_needs_half_of_its_factors() -> None:
    one = graded(known(4, "trend", "mom_7", "mom_28"))
    assert one["ta_grade"].to_list() == [N] * 4, "one of three is less than half"
    assert one["quant_grade"].null_count() == 0, "two of four are half"
    assert graded(known(4, "trend", "strength"))["ta_grade"].null_count() == 0
    assert graded(known(4, "vol_conf"))["flow_grade"].to_list() == [N] * 4
    assert graded(known(4, "vol_conf", "usage"))["flow_grade"].null_count() == 0


def test_a_group_does_not_wait_for_factors_that_cannot_apply() -> None:
    """A coin has no fees of its own to be valued by, and a token no network."""
    factors = tuple(
        replace(factor, applies_to="is_network") if factor.name in ("trend", "breakout") else factor
        for factor in TRADER.factors
    )
    parameters = replace(TRADER, factors=factors)
    flags = pl.Series("is_network", [True, False, None, False])
    one = known(4, "strength", "mom_7", "mom_28").collect().with_columns(flags).lazy()
    result = graded(one, parameters)
    assert result["ta_grade"].is_null().to_list() == [True, False, True, False]
    more = known(4, "strength", "trend").collect().with_columns(flags).lazy()
    assert graded(more, parameters)["ta_grade"].null_count() == 0, "a factor with a score counts"


def test_the_grade_needs_six_tenths_of_the_weight() -> None:
    ta, quant = ["trend", "breakout", "strength"], ["mom_7", "mom_28", "rel_btc"]
    only = graded(known(4, *ta))
    assert only["trader_grade"].to_list() == [N] * 4
    assert_list(only["coverage_frac"].to_list(), [0.4] * 4)
    both = graded(known(4, *ta, *quant))
    assert_list(both["coverage_frac"].to_list(), [0.8] * 4)
    assert_list(both["trader_grade"].to_list(), both["ta_grade"].to_list())
    enough = graded(known(4, *quant, "vol_conf", "usage"))
    assert_list(enough["coverage_frac"].to_list(), [0.6] * 4)
    assert enough["trader_grade"].null_count() == 0, "0.2 + 0.4 is not below 0.6"


def test_a_sum_of_weights_is_not_below_a_floor_by_rounding() -> None:
    """0.7 + 0.1 is 0.7999999999999999 in floats, and no less than 0.8."""
    parameters = replace(
        TRADER,
        group_weights=(("ta_grade", 0.7), ("quant_grade", 0.1), ("flow_grade", 0.2)),
        coverage_floor=0.8,
    )
    frame = known(4, "trend", "breakout", "mom_7", "mom_28")
    assert graded(frame, parameters)["trader_grade"].null_count() == 0


def test_missing_weight_is_taken_from_both_sides_of_the_fraction() -> None:
    frame = assets(
        2,
        trend=[0.0, 1.0],
        breakout=[0.0, 1.0],
        strength=[0.0, 1.0],
        mom_7=[1.0, 0.0],
        mom_28=[1.0, 0.0],
    )
    result = graded(frame).row(0, named=True)
    assert (result["ta_grade"], result["quant_grade"]) == (25, 75)
    assert result["trader_grade"] == pytest.approx((0.4 * 25 + 0.4 * 75) / 0.8)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(markets)
def test_the_parts_sum_to_the_grade(market: Market) -> None:
    """To 1e-9."""
    parameters = replace(TRADER, history_d=20, history_min_obs=5)
    result = graded(market.frame().lazy(), parameters)
    parts = grade_components(result.lazy(), parameters).collect()
    sums = (
        parts.filter(pl.len().over("asset_id", "day") == len(FACTORS))
        .filter(pl.col("weight_frac").is_not_null().any().over("asset_id", "day"))
        .group_by("asset_id", "day")
        .agg(pl.col("contribution", "weight_frac").sum(), pl.len())
    )
    known_rows = result.filter(pl.col("trader_grade").is_not_null())
    joined = known_rows.join(sums, on=["asset_id", "day"])
    assert joined.height == known_rows.height == sums.height
    assert (joined["len"] == len(FACTORS)).all()
    assert (parts["weight_frac"].is_null() == parts["no_share_reason"].is_not_null()).all()
    if joined.height:
        gap = (joined["contribution"] - joined["trader_grade"]).abs().max()
        assert gap <= 1e-9, f"the parts miss the grade by {gap}"
        assert (joined["weight_frac"] - 1).abs().max() <= 1e-9


@settings(max_examples=25, deadline=None, derandomize=True)
@given(markets)
def test_ranks_are_a_permutation(market: Market) -> None:
    """Each rank once."""
    parameters = replace(TRADER, history_d=20, history_min_obs=5)
    result = graded(market.frame().lazy(), parameters)
    for (_,), day in result.group_by("day"):
        ranked = day.drop_nulls("trader_grade").sort("rank")
        assert ranked["rank"].to_list() == list(range(1, ranked.height + 1))
        assert ranked["trader_grade"].is_sorted(descending=True)
        assert day.filter(pl.col("trader_grade").is_null())["rank"].null_count() == (
            day.height - ranked.height
        )


def test_an_asset_outside_the_universe_is_not_scored_and_moves_nobody() -> None:
    inside = known(3, *FACTORS)
    stranger = (
        known(5, *FACTORS)
        .filter(pl.col("asset_id") == "asset-4")
        .with_columns(pl.lit(value=False).alias("in_universe"))
    )
    result = graded(pl.concat([inside, stranger]))
    last = result.row(-1, named=True)
    assert last["trader_grade"] is last["trend_factor_score"] is last["coverage_frac"] is None
    assert result[:3].equals(graded(inside))


def test_changes_are_of_exact_calendar_days() -> None:
    parameters = replace(TRADER, history_min_obs=2)
    frame = pl.concat(
        series(
            {name: [float((i * k) % 5) for i in range(12)] for name in FACTORS}
            | {"in_universe": [True] * 12},
            asset=f"asset-{k}",
        )
        for k in range(1, 5)
    ).filter(~((pl.col("asset_id") == "asset-1") & (pl.col("day").dt.day() == 3)))
    result = graded(frame, parameters).filter(pl.col("asset_id") == "asset-1")
    values = {row["day"].day: row for row in result.iter_rows(named=True)}
    assert values[4]["grade_change_1d"] is None
    assert values[10]["grade_change_7d"] is None
    expected = values[9]["trader_grade"] - values[2]["trader_grade"]
    assert values[9]["grade_change_7d"] == pytest.approx(expected)


def weeks(gone: dict[str, int], days: int = 12) -> pl.LazyFrame:
    """Four assets that stay in their order; of asset-1 some factors are unknown from a day on."""
    return pl.concat(
        series(
            {
                name: [
                    None if k == 1 and i >= gone.get(name, days) else float(k * (j + 1) + i % 3)
                    for i in range(days)
                ]
                for j, name in enumerate(FACTORS)
            }
            | {"in_universe": [True] * days},
            asset=f"asset-{k}",
        )
        for k in range(4)
    )


def test_a_factor_that_disappears_is_no_change_of_the_grade() -> None:
    """Nothing moved but the list of what is known."""
    parameters = replace(TRADER, history_min_obs=100)
    result = graded(weeks({"downside": 9}), parameters).filter(pl.col("asset_id") == "asset-1")
    rows = {row["day"].day: row for row in result.iter_rows(named=True)}
    before, after = rows[9], rows[10]
    assert after["trader_grade"] != pytest.approx(before["trader_grade"], abs=0.5)
    assert after["grade_change_1d"] == pytest.approx(0, abs=1e-9)
    assert after["grade_change_7d"] == pytest.approx(0, abs=1e-9)
    assert after["momentum_label"] == "holding"
    assert (before["is_composition_changed"], after["is_composition_changed"]) == (False, True)
    others = graded(weeks({"downside": 9}), parameters).filter(pl.col("asset_id") == "asset-2")
    assert not others["is_composition_changed"].any(), "another asset's factors are not its own"


def test_what_has_too_little_in_common_has_no_change() -> None:
    """Grades of 0.8 and 0.6 of the weight that share the 0.4 of one group."""
    frame = weeks({"trend": 9, "breakout": 9, "strength": 9})
    start = {"vol_conf": 9, "crowding": 9, "usage": 9}
    late = frame.with_columns(
        pl.when(pl.col("day").dt.day() > start[name]).then(pl.col(name)).alias(name)
        for name in start
    )
    parameters = replace(TRADER, history_min_obs=100)
    result = graded(late, parameters).filter(pl.col("asset_id") == "asset-1")
    rows = {row["day"].day: row for row in result.iter_rows(named=True)}
    assert_list([rows[9]["coverage_frac"], rows[10]["coverage_frac"]], [0.8, 0.6])
    assert rows[10]["trader_grade"] is not None
    assert rows[10]["grade_change_1d"] is rows[10]["momentum_label"] is None
    assert rows[10]["is_composition_changed"] is True


def test_a_grade_does_not_wait_for_a_group_in_which_nothing_applies() -> None:
    factors = tuple(
        replace(factor, applies_to="is_network") if factor.group == "ta_grade" else factor
        for factor in TRADER.factors
    )
    parameters = replace(TRADER, factors=factors)
    frame = known(2, "mom_7", "mom_28").collect()
    result = graded(frame.with_columns(pl.Series("is_network", [True, False])).lazy(), parameters)
    assert_list(result["coverage_frac"].to_list(), [0.4, 0.4 / 0.6])
    assert result["trader_grade"].is_null().to_list() == [True, False]


def test_the_parts_of_no_grade_say_why() -> None:
    factors = tuple(
        replace(factor, applies_to="is_network") if factor.name == "usage" else factor
        for factor in TRADER.factors
    )
    parameters = replace(TRADER, factors=factors)
    frame = known(2, "trend", "breakout", "mom_7").collect()
    result = graded(frame.with_columns(pl.lit(value=False).alias("is_network")).lazy(), parameters)
    parts = grade_components(result.lazy(), parameters).collect()
    first = parts.filter(pl.col("asset_id") == "asset-0")
    reasons = dict(first.select("factor", "no_share_reason").iter_rows())
    assert result["trader_grade"].to_list() == [N, N]
    assert parts["weight_frac"].null_count() == parts.height == 2 * len(FACTORS)
    assert [reasons[name] for name in ("trend", "mom_7", "crowding", "usage")] == [
        "coverage_below_floor",
        "group_incomplete",
        "no_value",
        "not_applicable",
    ]


@pytest.mark.parametrize(
    ("grade", "label"),
    [(80, "strong_buy"), (79.9, "buy"), (65, "buy"), (64.9, "neutral"), (35.1, "neutral"),
     (35, "sell"), (20.1, "sell"), (20, "strong_sell"), (0, "strong_sell")],
)  # fmt: skip
def test_labels_of_the_grade(grade: float, label: str) -> None:
    assert labelled(grade, "signal_labels") == label


@pytest.mark.parametrize(
    ("change", "label"),
    [(15, "surging"), (14.9, "gaining"), (5, "gaining"), (4.9, "holding"), (-4.9, "holding"),
     (-5, "losing"), (-14.9, "losing"), (-15, "crashing"), (None, None)],
)  # fmt: skip
def test_labels_of_the_momentum(change: float | None, label: str | None) -> None:
    assert labelled(change, "momentum_labels") == label


def labelled(value: float | None, labels: str) -> str | None:
    from pipelines.analytics.scoring import _labelled

    frame = pl.DataFrame({"v": [value]}, schema={"v": pl.Float64})
    expr = _labelled(pl.col("v"), getattr(TRADER, labels))
    result: str | None = frame.select(expr.alias("l")).item()
    return result


VALUATION = replace(
    TRADER,
    grade="investor_grade",
    factors=(Factor(name="trend", group="valuation", orientation=-1, peers="sector"),),
    group_weights=(("valuation", 1.0),),
    min_peers=3,
)


def test_peers_are_ranked_among_themselves_if_there_are_enough() -> None:
    sectors = ["dex"] * 3 + ["l1"] * 2 + [N]
    frame = known(6, "trend").with_columns(
        pl.col("asset_id")
        .replace_strict({f"asset-{i}": s for i, s in enumerate(sectors)}, return_dtype=pl.String)
        .alias("sector")
    )
    result = graded(frame, VALUATION)
    scopes = result["trend_peer_scope"].to_list()
    assert scopes == ["sector"] * 3 + ["universe"] * 3
    assert_list(
        result["trend_xs"].to_list(),
        [100 * 2.5 / 3, 50.0, 100 * 0.5 / 3, 100 * 2.5 / 6, 100 * 1.5 / 6, 100 * 0.5 / 6],
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group_weights": (("ta_grade", 1.0),)}, "without both a weight and a factor"),
        ({"factors": (*TRADER.factors, TRADER.factors[0])}, "stands twice"),
        (
            {"group_weights": (("ta_grade", 0.4), ("quant_grade", 0.6), ("flow_grade", 0.0))},
            "weight above zero",
        ),
        (
            {"factors": (*TRADER.factors[:-1], replace(TRADER.factors[-1], orientation=2))},
            "orientation",
        ),
    ],
)
def test_weights_without_sense_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalyticsError, match=message):
        replace(TRADER, **change)


def test_a_grade_may_be_called_after_one_of_its_factors() -> None:
    """The score of the factor `trend` is not the grade `trend_score`."""
    parameters = replace(TRADER, grade="trend_score")
    result = graded(known(4, *FACTORS), parameters)
    parts = (
        grade_components(result.lazy(), parameters)
        .group_by("asset_id")
        .agg(pl.col("contribution").sum())
        .sort("asset_id")
        .collect()
    )
    assert result.sort("asset_id")["trend_score"].to_list() == pytest.approx(
        parts["contribution"].to_list()
    )
