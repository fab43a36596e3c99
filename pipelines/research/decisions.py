"""What is done with a grade: thresholds of its signal, stops and targets of its plan, tried.

Every set of numbers that was ever tried is a line of a ledger. One is chosen inside of a growing
past and judged on the days that follow, as factors are, beside the numbers that are published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.analytics import strategies
from pipelines.analytics.calendar import DAY, AnalyticsError, BoolArray, FloatArray
from pipelines.analytics.cross_section import Grid
from pipelines.analytics.excursions import ExcursionParameters
from pipelines.analytics.parameters import Parameters, from_seed, newest_version
from pipelines.analytics.quality import ALL, outcome
from pipelines.analytics.signals import SignalParameters, positions
from pipelines.analytics.strategies import Rule
from pipelines.research import backtest, bench
from pipelines.research.errors import ResearchError
from pipelines.research.panel import ResearchPanel
from pipelines.research.selection import ChoiceRule, Contest, deflated, walk_forward

GRADE: Final = "trader_grade"
PLANNED: Final = "signal_with_plan"
"""The published rule whose stop and targets are tried."""

THRESHOLDS: Final = ("enter_long", "exit_long", "enter_short", "exit_short", "confirm_d")
THRESHOLD_COLUMNS: Final = ("trial", *THRESHOLDS, "min_hold_d", "note")
STOPS: Final = ("stop_atr", "stop_excursion_x", "take_profit_r", "take_profit_excursion_x")
QUANTILES: Final = ("adverse_quantile", "favourable_quantile")
PLAN_COLUMNS: Final = ("trial", *STOPS, *QUANTILES, "note")

EXCESS: Final = "excess_ret"
SERIES: Final = (EXCESS, "gross_frac", "net_frac", "turnover_frac")
"""What each day has of a trial: what it earned, how much was held, and how much was traded."""

HORIZON_D: Final = 1

TOGETHER: Final = 16
"""Trials at once: all of them would take the memory of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """Where a rule ends its positions: the fields of a ``Rule`` that a plan decides."""

    stop_atr: float | None
    stop_excursion_x: float | None
    take_profit_r: tuple[float, ...] | None
    take_profit_excursion_x: tuple[float, ...] | None

    def of(self, rule: Rule, path: Path) -> Rule:
        """The rule with these stops and targets."""
        try:
            return replace(rule, **{name: getattr(self, name) for name in STOPS})
        except AnalyticsError as problem:
            msg = f"{path}: {problem}"
            raise ResearchError(msg) from None


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the trials of one question.

    Attributes:
        question: what was tried.
        trials: a row per trial: mean excess return of a day, its error, exposure and turnover, and
            what the number of trials leaves of it.
        walk_forward: what was chosen inside of each fold, and what it did outside; beside it what
            is published.
        overfitting: probability of backtest overfitting; None where it cannot be had.
    """

    question: str
    trials: pl.DataFrame
    walk_forward: pl.DataFrame
    overfitting: float | None


def thresholds(
    panel: ResearchPanel, ledger: Path, *, seeds: Path, rule: ChoiceRule | None = None
) -> Decided:
    """Try thresholds of the signal.

    What is wanted at a day's end is held in equal parts, longs and shorts, from the close of the
    next day to the one after it. Each part earns its return less the members' mean: whether to be
    in the market at all is not what a threshold says. What is traded costs as in the bench.

    Args:
        panel: closes, members and, unless it can be computed, the grade.
        ledger: CSV with ``THRESHOLD_COLUMNS``.
        seeds: folder of the seeds.
        rule: how much of the past is needed, and how much of it is left out.

    Raises:
        ResearchError: the panel has no grade, or the ledger cannot be read.
    """
    published = newest_version(pl.read_csv(seeds / "signal/cfg_signal.csv"))
    published.pop("cost_bps")
    tried = {
        row["trial"]: _read(SignalParameters, ledger, published | _without_names(row))
        for row in _rows(ledger, THRESHOLD_COLUMNS)
    }
    as_it_is = _published(tried, from_seed(SignalParameters, published), ledger)
    grades = panel.grades.get(GRADE)
    if grades is None:
        grades = bench.computed_grade(panel, seeds).get(GRADE)
    if grades is None or np.isnan(grades).all():
        msg = f"{panel.name} has no {GRADE} to decide by"
        raise ResearchError(msg)
    skip_d = bench.PARAMETERS.skip_d
    after = outcome(panel.closes, HORIZON_D, skip_d=skip_d).returns
    member = panel.universes[ALL]
    market = _mean_of(after, member)
    excess = np.nan_to_num(after - market[:, None])
    graded = ~np.isnan(grades).all(axis=1) & ~np.isnan(market)
    begun = np.maximum.accumulate(graded)
    series: dict[str, list[FloatArray]] = {name: [] for name in SERIES}
    for held in _positions(panel, grades, list(tried.values())):
        weights = held / np.maximum(np.abs(held).sum(axis=1, keepdims=True), 1)
        traded = np.abs(np.diff(weights, axis=0, prepend=0)).sum(axis=1)
        earned = (weights * excess).sum(axis=1) - bench.PARAMETERS.cost_bps / 1e4 * traded
        exposed = np.abs(weights).sum(axis=1), weights.sum(axis=1)
        for name, values in zip(SERIES, (earned, *exposed, traded), strict=True):
            series[name].append(np.where(begun & ~np.isnan(market), values, np.nan))
    contest = Contest(
        list(tried),
        HORIZON_D,
        panel.grid.days,
        {name: np.column_stack(columns) for name, columns in series.items()},
    )
    return _decided("Thresholds of the signal", contest, skip_d, [as_it_is], rule)


def _positions(
    panel: ResearchPanel, grades: FloatArray, trials: Sequence[SignalParameters]
) -> Iterator[FloatArray]:
    for start in range(0, len(trials), TOGETHER):
        for held in positions(
            grades,
            dead=panel.closes == 0,
            left=~panel.universes[ALL],
            unpriced=np.isnan(panel.closes),
            trials=trials[start : start + TOGETHER],
        ):
            yield held.astype(np.float64)


def plans(
    publication: Path, ledger: Path, *, seeds: Path, rule: ChoiceRule | None = None
) -> Decided:
    """Try stops and targets of the plan on the published signal.

    Each trial is the published rule with other stops and targets, traded with all of its costs.
    Earned is a day's return less what the exposure of the evening before would have earned in the
    members' mean, and trials are compared by what they earn for each part of the equity that they
    hold: what takes its profit sooner holds less. Only days count on which all of them trade, for
    excursions need a history.

    Args:
        publication: a published DuckDB file.
        ledger: CSV with ``PLAN_COLUMNS``.
        seeds: folder of the seeds.
        rule: how much of the past is needed, and how much of it is left out.

    Raises:
        ResearchError: the publication lacks what the rule reads, or the ledger cannot be read.
    """
    rules = backtest.published_rules(seeds)
    usual = backtest.published_excursions(seeds)
    tried: dict[str, tuple[Rule, ExcursionParameters]] = {}
    for row in _rows(ledger, PLAN_COLUMNS):
        stops = _read(Stops, ledger, {name: row[name] for name in STOPS})
        quantiles = {name: row[name] for name in QUANTILES if row[name] is not None}
        tried[row["trial"]] = (stops.of(rules[PLANNED], ledger), replace(usual, **quantiles))
    published = [
        _published(tried, (rules[name], usual), ledger)
        for name in (PLANNED, "signal_with_excursion_plan")
    ]
    market = backtest.read_prices(publication, rules[PLANNED], seeds=seeds)
    grid = Grid.around(market)
    closes, member = grid.matrices(market, ["close_usd", "is_member"])
    moved = outcome(closes, HORIZON_D, skip_d=0).returns
    # the mean return of a day, of those who were members the evening before
    mean = np.concatenate([[np.nan], _mean_of(moved, np.nan_to_num(member) > 0)[:-1]])
    days = pl.DataFrame({DAY: grid.days, "market_ret": mean}).with_columns(
        pl.col("market_ret").fill_nan(None)
    )
    series: dict[str, list[FloatArray]] = {name: [] for name in SERIES}
    for each, parameters in tried.values():
        traded = strategies.backtest(backtest.tradable(market, parameters), each)
        daily = strategies.performance(traded, grid.days[-1])
        exposed = pl.col("net_frac").shift(1).fill_null(0.0)
        aligned = days.join(daily, on=DAY, how="left", maintain_order="left").with_columns(
            (pl.col("ret_1d") - exposed * pl.col("market_ret")).alias(EXCESS),
            pl.col("gross_frac").shift(1),
        )
        for name in SERIES:
            series[name].append(aligned[name].cast(pl.Float64).fill_null(np.nan).to_numpy())
    stacked = {name: np.column_stack(columns) for name, columns in series.items()}
    together = np.isnan(stacked[EXCESS]).any(axis=1, keepdims=True)
    contest = Contest(
        list(tried),
        HORIZON_D,
        grid.days,
        {name: np.where(together, np.nan, matrix) for name, matrix in stacked.items()},
    )
    return _decided("Stops and targets of the plan", contest, 0, published, rule)


def _decided(
    question: str, contest: Contest, skip_d: int, published: list[str], rule: ChoiceRule | None
) -> Decided:
    trials, overfitting = deflated(contest, [EXCESS])
    walked = walk_forward(
        contest,
        contest.series[EXCESS],
        rule or ChoiceRule(),
        skip_d=skip_d,
        exposure=np.nan_to_num(contest.series["gross_frac"]),
        beside=published,
    )
    return Decided(question, trials, walked, overfitting.get(EXCESS))


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    if not path.exists():
        msg = f"no ledger of trials at {path}"
        raise ResearchError(msg)
    rows = pl.read_csv(path, schema_overrides={"take_profit_r": pl.String, "note": pl.String})
    if tuple(rows.columns) != columns:
        msg = f"{path}: the columns are {rows.columns}, not {list(columns)}"
        raise ResearchError(msg)
    if rows["trial"].n_unique() != rows.height:
        twice = rows.filter(pl.col("trial").is_duplicated())["trial"].unique().sort().to_list()
        msg = f"{path}: trials that stand twice: {twice}"
        raise ResearchError(msg)
    return rows.to_dicts()


def _without_names(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in {"trial", "note"}}


def _read(kind: type[Parameters], path: Path, values: Mapping[str, object]) -> Parameters:
    try:
        return from_seed(kind, values)
    except AnalyticsError as problem:
        msg = f"{path}: {problem}"
        raise ResearchError(msg) from None


def _published(tried: Mapping[str, object], wanted: object, path: Path) -> str:
    """The trial that is what is published."""
    for name, parameters in tried.items():
        if parameters == wanted:
            return name
    msg = f"{path} lacks the numbers that are published: what is compared must be in it"
    raise ResearchError(msg)


def _mean_of(values: FloatArray, member: BoolArray) -> FloatArray:
    """Mean of the members of each day that have a value; NaN where nobody has."""
    known = member & ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
