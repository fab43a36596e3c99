"""The best of many trials: what luck leaves of it, and what it does where nobody has looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import AnalyticsError, FloatArray
from pipelines.analytics.inference import (
    deflated_sharpe,
    lag_count,
    moments,
    newey_west,
    overfitting_probability,
    sharpe,
)
from pipelines.research.errors import ResearchError
from pipelines.research.walk_forward import MIN_DAY_SHARE, choose, folds

BLOCKS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    """How a trial is chosen, and how much of the time it is not allowed to see.

    Attributes:
        turnover_penalty: information coefficient that a complete change of the top costs.
        fold_count: stretches to judge.
        min_train_d: days with figures that the first choice needs, no fewer than its horizon.
        embargo_d: days left out beyond those that the outcome reaches into.
    """

    turnover_penalty: float = 0.02
    fold_count: int = 4
    min_train_d: int = 120
    embargo_d: int = 7


@dataclass(frozen=True, slots=True)
class Contest:
    """Trials that one is chosen from.

    Attributes:
        trials: their names.
        horizon_d: days that a day's numbers look ahead.
        days: the days.
        series: name to one number per day and trial, NaN where there is nothing to say; the first
            is the one whose error is asked for.
    """

    trials: Sequence[str]
    horizon_d: int
    days: Sequence[date]
    series: Mapping[str, FloatArray]


def deflated(contest: Contest, statistics: Sequence[str]) -> tuple[pl.DataFrame, dict[str, float]]:
    """Each trial's figures, and what the number of trials leaves of them.

    Args:
        contest: the trials.
        statistics: the series that a trial could be chosen by.

    Returns:
        A row per trial and statistic with the trial's mean of every other series, and the
        probability of backtest overfitting by each statistic for which it can be had.
    """
    horizon_d = contest.horizon_d
    others = [name for name in contest.series if name not in statistics]
    schema = {
        "horizon_d": pl.Int64(),
        "trial": pl.String(),
        "statistic": pl.String(),
        "mean": pl.Float64(),
        "standard_error": pl.Float64(),
        "t_stat": pl.Float64(),
        **dict.fromkeys(others, pl.Float64()),
        "period_count": pl.Int64(),
        "sharpe": pl.Float64(),
        "deflated_sharpe_probability": pl.Float64(),
    }
    rows: list[dict[str, object]] = []
    overfitting: dict[str, float] = {}
    for statistic in statistics if contest.trials else ():
        daily = contest.series[statistic]
        # a factor of many equals has a day's number now and then: it cannot be set beside others
        reported = np.flatnonzero(
            (~np.isnan(daily)).sum(axis=0) >= MIN_DAY_SHARE * (~np.isnan(daily)).any(axis=1).sum()
        )
        whole = _apart(daily[:, reported], horizon_d)
        apart = np.full((len(whole), len(contest.trials)), np.nan)
        apart[:, reported] = whole
        ratios = np.array([sharpe(column) for column in apart.T])
        known_ratios = ratios[np.isfinite(ratios)]
        spread = float(known_ratios.var(ddof=1)) if len(known_ratios) > 1 else 0.0
        # of too few trials or periods it cannot be known
        with suppress(AnalyticsError):
            overfitting[statistic] = overfitting_probability(whole, BLOCKS)[0]
        for place, trial in enumerate(contest.trials):
            column = apart[:, place]
            probability = None
            if len(column) > 3 and np.isfinite(ratios[place]):
                skewness, kurtosis = moments(column)
                probability = deflated_sharpe(
                    float(ratios[place]),
                    count=len(column),
                    skewness=skewness,
                    kurtosis=kurtosis,
                    trial_count=len(contest.trials),
                    trial_variance=spread,
                )
            rows.append(
                {
                    "horizon_d": horizon_d,
                    "trial": trial,
                    "statistic": statistic,
                    **_mean_with_error(daily[:, place], horizon_d),
                    **{name: _mean(contest.series[name][:, place]) for name in others},
                    "period_count": len(column),
                    "sharpe": None if np.isnan(ratios[place]) else float(ratios[place]),
                    "deflated_sharpe_probability": probability,
                }
            )
    return pl.DataFrame(rows, schema=schema), overfitting


def walk_forward(
    contest: Contest,
    objective: FloatArray,
    rule: ChoiceRule,
    *,
    skip_d: int,
    exposure: FloatArray | None = None,
    beside: Sequence[str] = (),
) -> pl.DataFrame:
    """Choose in a growing past and judge on the stretch that follows.

    Args:
        contest: the trials, and the series that they are judged by.
        objective: what is chosen by, days by trials; high is good.
        rule: how much of the past is needed, and how much of it is left out.
        skip_d: days between a day's numbers and the first day that they look ahead to.
        exposure: what the objective is divided by, as ``choose`` has it.
        beside: trials that are judged on the same stretches without being chosen.

    Returns:
        A row per fold with what was chosen and the mean of every series outside, one with
        ``fold`` 0 for all stretches together, and one more for each trial of ``beside``.
    """
    first, *others = contest.series
    schema = {
        "horizon_d": pl.Int64(),
        "fold": pl.Int64(),
        "train_last_day": pl.Date(),
        "test_first_day": pl.Date(),
        "test_last_day": pl.Date(),
        "chosen": pl.String(),
        "inside": pl.Float64(),
        first: pl.Float64(),
        "t_stat": pl.Float64(),
        **dict.fromkeys(others, pl.Float64()),
    }
    empty = pl.DataFrame(schema=schema)
    reported = np.flatnonzero(~np.isnan(contest.series[first]).all(axis=1))
    if not contest.trials or not len(reported):
        return empty
    span = slice(int(reported[0]), int(reported[-1]) + 1)
    days = contest.days[span]
    try:
        parts = folds(
            len(days),
            fold_count=rule.fold_count,
            min_train_d=max(rule.min_train_d, contest.horizon_d),
            purge_d=contest.horizon_d + skip_d,
            embargo_d=rule.embargo_d,
        )
    except ResearchError:
        return empty
    series = {name: matrix[span] for name, matrix in contest.series.items()}

    def outside(columns: Mapping[str, FloatArray]) -> dict[str, float | None]:
        found = _mean_with_error(columns[first], contest.horizon_d)
        means = {name: _mean(columns[name]) for name in others}
        return {first: found["mean"], "t_stat": found["t_stat"], **means}

    rows: list[dict[str, object]] = []
    judged: list[dict[str, FloatArray]] = []
    past = None if exposure is None else exposure[span]
    for number, choice in enumerate(choose(objective[span], parts, past), start=1):
        test = choice.fold.test
        judged.append({name: matrix[test, choice.trial] for name, matrix in series.items()})
        rows.append(
            {
                "fold": number,
                "train_last_day": days[int(choice.fold.train[-1])],
                "test_first_day": days[int(test[0])],
                "test_last_day": days[int(test[-1])],
                "chosen": contest.trials[choice.trial],
                "inside": choice.inside,
                **outside(judged[-1]),
            }
        )
    together = {name: np.concatenate([part[name] for part in judged]) for name in series}
    whole = {
        "test_first_day": rows[0]["test_first_day"],
        "test_last_day": rows[-1]["test_last_day"],
    }
    rows.append({"fold": 0, **whole, "chosen": "all folds", **outside(together)})
    tested = np.concatenate([part.test for part in parts])
    for trial in beside:
        place = list(contest.trials).index(trial)
        alone = {name: matrix[tested, place] for name, matrix in series.items()}
        rows.append({"fold": 0, **whole, "chosen": trial, **outside(alone)})
    return pl.DataFrame([{"horizon_d": contest.horizon_d, **row} for row in rows], schema=schema)


def _apart(daily: FloatArray, horizon_d: int) -> FloatArray:
    """Every ``horizon_d``-th day on which all trials have a number: periods that do not overlap."""
    whole = np.flatnonzero(~np.isnan(daily).any(axis=1)) if daily.shape[1] else np.zeros(0, int)
    if not len(whole):
        return daily[:0]
    rows = np.arange(whole[0], whole[-1] + 1, horizon_d)
    return daily[rows[np.isin(rows, whole)]]


def _mean(daily: FloatArray) -> float | None:
    known = daily[~np.isnan(daily)]
    return float(known.mean()) if len(known) else None


def _mean_with_error(daily: FloatArray, horizon_d: int) -> dict[str, float | None]:
    mean = _mean(daily)
    if mean is None:
        return {"mean": None, "standard_error": None, "t_stat": None}
    known = daily[~np.isnan(daily)]
    error = float(newey_west(known[:, None], lag_count(len(known), horizon_d))[0])
    sure = not np.isnan(error)
    return {
        "mean": mean,
        "standard_error": error if sure else None,
        "t_stat": mean / error if sure else None,
    }
