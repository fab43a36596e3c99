"""The seeds say what the specification says; one that contradicts itself is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.depeg import DepegParameters
from pipelines.analytics.factors import catalogue_by_name
from pipelines.analytics.grade_seeds import grade_parameters, grade_version
from pipelines.analytics.parameters import fingerprint, from_seed
from pipelines.analytics.signals import SignalParameters
from tests.unit.analytics.support import DEPEG, SIGNAL, TRADER

SEEDS = Path(__file__).resolve().parents[3] / "dbt" / "seeds"


def seed(name: str) -> pl.DataFrame:
    (path,) = SEEDS.rglob(f"{name}.csv")
    return pl.read_csv(path)


@pytest.fixture
def tables() -> dict[str, Any]:
    return {
        "grades": seed("cfg_grade"),
        "groups": seed("cfg_grade_group"),
        "factors": seed("cfg_grade_factor"),
        "labels": seed("cfg_grade_label"),
    }


TREND = replace(TRADER, grade="trend_score")


def test_the_trend_score_is_that_of_the_specification(tables: dict[str, Any]) -> None:
    assert grade_parameters("trend_score", **tables) == TREND


def test_the_trader_grade_has_the_signs_of_the_catalogue(tables: dict[str, Any]) -> None:
    parameters = grade_parameters("trader_grade", **tables)
    catalogue = catalogue_by_name()
    signs = {factor.name: factor.orientation for factor in parameters.factors}
    assert signs == {name: catalogue[name].sign for name in signs}
    assert sum(weight for _, weight in parameters.group_weights) == pytest.approx(1)
    assert parameters.history_d is None, "a cross-section alone was what the bench judged"


def test_the_investor_grade_is_that_of_the_specification(tables: dict[str, Any]) -> None:
    parameters = grade_parameters("investor_grade", **tables)
    assert dict(parameters.group_weights) == {
        "valuation_grade": 0.3,
        "growth_grade": 0.25,
        "tokenomics_grade": 0.15,
        "quality_grade": 0.2,
        "liquidity_grade": 0.1,
    }
    assert (parameters.coverage_floor, parameters.min_peers) == (0.5, 5)
    low_is_good = {factor.name for factor in parameters.factors if factor.orientation < 0}
    assert low_is_good == {
        *("pf", "ps", "mcap_tvl", "nvt_signal", "mvrv"),
        *("dilution", "overhang", "volatility"),
    }
    within_sector = {factor.group for factor in parameters.factors if factor.peers == "sector"}
    assert within_sector == {"valuation_grade"}


def test_signals_and_depegs_are_those_of_the_specification() -> None:
    signal = seed("cfg_signal").drop("version", "cost_bps").row(0, named=True)
    assert from_seed(SignalParameters, signal) == SIGNAL
    classes = {row.pop("peg_class"): row for row in seed("cfg_depeg").drop("version").to_dicts()}
    assert from_seed(DepegParameters, classes["usd"]) == DEPEG
    other = from_seed(DepegParameters, classes["other"])
    assert (other.fast_bps, other.slow_bps) == (150, 75), (
        "wider bands for what is not pegged to the dollar"
    )


def test_the_newest_version_counts(tables: dict[str, Any]) -> None:
    newer = {
        name: pl.concat([table, table.with_columns(pl.col("version") + 1)])
        for name, table in tables.items()
    }
    heavier = pl.when((pl.col("version") == 2) & (pl.col("factor_group") == "flow_grade"))
    newer["groups"] = newer["groups"].with_columns(
        heavier.then(0.3).otherwise(pl.col("weight")).alias("weight")
    )
    assert grade_version("trend_score", newer["grades"]) == 2
    changed = grade_parameters("trend_score", **newer)
    assert dict(changed.group_weights)["flow_grade"] == 0.3
    assert fingerprint(changed) != fingerprint(TREND), "another version has another hash"


@pytest.mark.parametrize(
    ("table", "change", "message"),
    [
        ("grades", pl.col("grade") == "investor_grade", "does not know trend_score"),
        ("factors", pl.col("grade") == "investor_grade", "cfg_grade_factor has no rows"),
        ("groups", pl.col("factor_group") != "flow_grade", "without both a weight and a factor"),
        ("labels", pl.col("floor").is_not_null(), "the last without one"),
        ("labels", pl.col("label_kind") == "signal", "labels of the momentum"),
    ],
)
def test_a_seed_that_is_not_whole_is_refused(
    tables: dict[str, Any], table: str, change: pl.Expr, message: str
) -> None:
    with pytest.raises(AnalyticsError, match=message):
        grade_parameters("trend_score", **tables | {table: tables[table].filter(change)})


def test_labels_out_of_order_are_refused(tables: dict[str, Any]) -> None:
    swapped = pl.col("position").replace({1: 2, 2: 1})
    with pytest.raises(AnalyticsError, match="falling floors"):
        grade_parameters(
            "trend_score", **tables | {"labels": tables["labels"].with_columns(swapped)}
        )
