"""Thresholds, stops and targets: the past alone chooses, and what is published stands beside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.cross_section import Grid
from pipelines.research import backtest, decisions, decisions_report
from pipelines.research.errors import ResearchError
from pipelines.research.panel import ResearchPanel
from pipelines.research.selection import ChoiceRule

REPO = Path(__file__).parents[3]
SEEDS = REPO / "dbt" / "seeds"
LEDGERS = REPO / "docs" / "research"
DAYS, ASSETS = 400, 30


def panel(*, pays_from: float) -> ResearchPanel:
    """A grade that wanders; an asset earns two days later if it is at ``pays_from`` or above."""
    chance = np.random.default_rng(7)
    grade = np.full((DAYS, ASSETS), 50.0)
    for day in range(1, DAYS):
        grade[day] = 50 + 0.9 * (grade[day - 1] - 50) + chance.normal(0, 6, ASSETS)
    drift = np.where(grade >= pays_from, 0.02, np.where(grade >= 60, -0.02, 0.0))
    moves = chance.normal(0, 0.01, (DAYS, ASSETS))
    moves[2:] += drift[:-2]
    days = tuple(date(2022, 1, 1) + timedelta(days=number) for number in range(DAYS))
    grid = Grid(days, tuple(f"a{number:02d}" for number in range(ASSETS)))
    everyone = {"all": np.ones(grade.shape, dtype=np.bool_)}
    closes = np.exp(np.cumsum(moves, axis=0))
    unknown = np.full_like(closes, np.nan)
    found = ResearchPanel("planted", grid, pl.DataFrame(), closes, everyone, unknown)
    found.grades["trader_grade"] = grade.clip(0, 100)
    return found


def ledger(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([",".join(decisions.THRESHOLD_COLUMNS), *lines]) + "\n")
    return path


PUBLISHED = "published,65,50,35,50,2,3,"
FEW = (PUBLISHED, "high,70,68,30,32,1,3,", "low,60,45,40,55,2,3,")


def test_thresholds_that_pay_are_chosen_and_judged_outside(tmp_path: Path) -> None:
    given = panel(pays_from=68)
    found = decisions.thresholds(given, ledger(tmp_path / "trials.csv", *FEW), seeds=SEEDS)
    folds = found.walk_forward.filter(pl.col("fold") > 0)
    assert folds["chosen"].to_list() == ["high"] * 4
    # the outcome reaches two days ahead; a week more is left out
    apart = folds["test_first_day"] - folds["train_last_day"]
    assert apart.dt.total_days().min() > 2 + 7
    whole = dict(
        found.walk_forward.filter(pl.col("fold") == 0).select("chosen", "excess_ret").rows()
    )
    assert set(whole) == {"all folds", "published"}
    assert whole["all folds"] > max(0, whole["published"])
    assert found.trials["trial"].to_list() == ["published", "high", "low"]


def test_a_day_to_come_does_not_choose(tmp_path: Path) -> None:
    given = panel(pays_from=68)
    path = ledger(tmp_path / "trials.csv", *FEW)
    before = decisions.thresholds(given, path, seeds=SEEDS).walk_forward
    # what the last stretch is judged by turns against what was chosen
    last = before.filter(pl.col("fold") == 4)["test_first_day"].item()
    given.closes[given.grid.days.index(last) + 1 :] **= -1
    after = decisions.thresholds(given, path, seeds=SEEDS).walk_forward
    assert after["chosen"].to_list() == before["chosen"].to_list()
    assert after["inside"].to_list() == before["inside"].to_list()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (FEW[1:], "lacks the numbers that are published"),
        ((PUBLISHED, PUBLISHED), "stand twice"),
        ((PUBLISHED, "bad,40,50,60,50,2,3,"), "enter_short < enter_long"),
    ],
)
def test_a_ledger_of_thresholds_that_cannot_be_read_says_why(
    lines: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ResearchError, match=message):
        decisions.thresholds(
            panel(pays_from=68), ledger(tmp_path / "trials.csv", *lines), seeds=SEEDS
        )


def test_the_ledgers_of_the_project_have_what_is_published() -> None:
    thresholds = pl.read_csv(LEDGERS / "threshold_trials.csv")
    plans = pl.read_csv(LEDGERS / "plan_trials.csv")
    assert tuple(thresholds.columns) == decisions.THRESHOLD_COLUMNS
    assert tuple(plans.columns) == decisions.PLAN_COLUMNS
    assert thresholds.height >= 96, "a trial was made: it stays in the ledger"
    assert plans.height >= 31, "a trial was made: it stays in the ledger"


def test_stops_and_targets_are_tried_on_a_publication(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(
        backtest.published_excursions(SEEDS),
        excursion_horizon_d=5,
        excursion_window_d=40,
        excursion_min_obs=10,
    )
    monkeypatch.setattr(backtest, "published_excursions", lambda _: short)
    few = ["atr_2_target_2_4", "atr_3_target_none", "excursion_0.8_target_0.5"]
    ledger = pl.read_csv(LEDGERS / "plan_trials.csv").filter(pl.col("trial").is_in(few))
    ledger.write_csv(tmp_path / "few.csv")
    found = decisions.plans(
        published / "tokenmart.duckdb",
        tmp_path / "few.csv",
        seeds=SEEDS,
        rule=ChoiceRule(min_train_d=8, fold_count=2, embargo_d=2),
    )
    beside = found.walk_forward.filter(pl.col("fold") == 0)["chosen"].to_list()
    assert beside == ["all folds", "atr_2_target_2_4", "excursion_0.8_target_0.5"]
    traded = found.trials.drop_nulls("mean")
    assert traded.height == found.trials.height, "a trial was not traded"
    assert traded["gross_frac"].max() <= 1.05
    page = decisions_report.write([found], "test", tmp_path)
    assert "Stops and targets of the plan" in page.read_text(encoding="utf-8")
    assert pl.read_parquet(tmp_path / "decisions_trials.parquet").height == found.trials.height
