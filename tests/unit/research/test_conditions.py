"""Conditions of the market: a difference that is there is found, and none is known too early."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.cross_section import Grid
from pipelines.research.conditions import Asked, conditions, held_against
from pipelines.research.panel import ResearchPanel

DAYS, ASSETS = 400, 25
CHANCE = np.random.default_rng(11)
CLOSES = np.exp(np.cumsum(CHANCE.normal(0, 0.04, (DAYS, ASSETS)), axis=0))
FUNDING = CHANCE.normal(1e-4, 1e-4, (DAYS, ASSETS))


def panel(closes: np.ndarray, funding: np.ndarray = FUNDING) -> ResearchPanel:
    days = tuple(date(2022, 1, 1) + timedelta(days=number) for number in range(DAYS))
    grid = Grid(days, tuple(f"a{number:02d}" for number in range(ASSETS)))
    everyone = {"all": np.ones(closes.shape, dtype=np.bool_)}
    return ResearchPanel("chance", grid, pl.DataFrame(), closes, everyone, funding)


def test_a_condition_is_known_the_day_before() -> None:
    day = 350
    later, paid = CLOSES.copy(), FUNDING.copy()
    later[day:] *= np.linspace(1, 3, DAYS - day)[:, None]
    paid[day:] = 0.01
    before, after = conditions(panel(CLOSES)), conditions(panel(later, paid))
    for name, state in before.items():
        assert not np.isnan(state[300 : day + 1]).any(), f"{name} is unknown"
        np.testing.assert_array_equal(state[: day + 1], after[name][: day + 1], err_msg=name)
    assert (after["broad"][day + 5 :] == 1).all(), "all assets rise and the market is not broad"
    assert (after["crowded"][day + 5 :] == 1).all()


def test_without_funding_nobody_knows_a_crowd() -> None:
    assert np.isnan(conditions(panel(CLOSES, np.full_like(FUNDING, np.nan)))["crowded"]).all()


@pytest.mark.parametrize(("planted", "least", "most"), [(0.3, 5, 99), (0.0, 0, 3)])
def test_a_difference_is_found_where_it_is_and_not_where_it_is_not(
    planted: float, least: float, most: float
) -> None:
    state = np.repeat([0.0, 1.0], 20)[np.arange(DAYS) % 40]
    state[:30] = np.nan
    daily = CHANCE.normal(0.1, 0.2, DAYS) + np.where(state > 0, planted, 0)
    (row,) = held_against([Asked("grade", "all", 7, {"ic": daily})], {"often": state}).to_dicts()
    assert row["holds_day_count"] + row["fails_day_count"] == DAYS - 30
    assert row["difference"] == pytest.approx(row["holds_mean"] - row["fails_mean"])
    assert least <= abs(row["difference_t_stat"]) <= most


def test_a_condition_that_always_holds_says_nothing() -> None:
    asked = [Asked("grade", "all", 7, {"ic": CHANCE.normal(size=DAYS)})]
    assert held_against(asked, {"always": np.ones(DAYS)}).is_empty()
