"""The bench itself: every factor, grade and trial of a panel against the returns that followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, AnalyticsError, FloatArray
from pipelines.analytics.factors import catalogue_by_name, compute_factors
from pipelines.analytics.grade_seeds import grade_parameters
from pipelines.analytics.inference import (
    deflated_sharpe,
    lag_count,
    moments,
    newey_west,
    overfitting_probability,
    sharpe,
)
from pipelines.analytics.quality import (
    ALL,
    Judged,
    QualityParameters,
    contests,
    judge_each,
    outcome,
    quality_rows,
)
from pipelines.analytics.scoring import assemble_grade, score_factors
from pipelines.research.errors import ResearchError
from pipelines.research.panel import ResearchPanel
from pipelines.research.trials import Trial, composite, percentiles
from pipelines.research.walk_forward import choose, folds

PARAMETERS: Final = QualityParameters(
    horizons_d=(1, 7, 14, 28),
    skip_d=1,
    quantile_count=5,
    top_counts=(50, 20),
    cost_bps=20.0,
    min_assets=15,
    min_periods=20,
)
WORKERS: Final = 2
BLOCKS: Final = 16
SERIES: Final = ("ic", "spread_net_ret", "turnover_frac")
"""What is asked of the days of a trial, among all members."""

MIN_TOLD_SHARE: Final = 0.9
CORRELATION_STEP_D: Final = 7


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
class Findings:
    """What the bench found.

    Attributes:
        quality: the rows of ``quality.measure_quality``.
        correlation: factor by factor, mean of the days' rank correlations.
        trials: one row per trial: figures, Sharpe ratios and their deflated probability among the
            trials of its horizon.
        walk_forward: one row per horizon and fold: what was chosen inside and what it did outside.
        overfitting: probability of backtest overfitting by horizon and statistic; None where it
            cannot be had.
        warning: why nothing can be concluded; None if something can.
    """

    quality: pl.DataFrame
    correlation: pl.DataFrame
    trials: pl.DataFrame
    walk_forward: pl.DataFrame
    overfitting: dict[tuple[int, str], float | None]
    warning: str | None


def run(
    panel: ResearchPanel,
    trials: Sequence[Trial],
    *,
    seeds: Path,
    rule: ChoiceRule | None = None,
    parameters: QualityParameters = PARAMETERS,
) -> Findings:
    """Judge everything.

    Args:
        panel: what ``read_panel`` gave.
        trials: the ledger; those that need what the panel lacks are left out.
        seeds: folder of the seeds, for the grade's own parameters.
        rule: how a trial is chosen.
        parameters: horizons, costs and minima.
    """
    rule = rule or ChoiceRule()
    if not panel.factors:
        panel.with_factors()
    outcomes = [
        outcome(panel.closes, days, skip_d=parameters.skip_d) for days in parameters.horizons_d
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        ranked = dict(
            zip(panel.factors, pool.map(percentiles, panel.factors.values()), strict=True)
        )
    possible = [trial for trial in trials if set(trial.weights) <= set(ranked)]
    measures = [("factor", name, matrix) for name, matrix in panel.factors.items()]
    measures += [("grade", name, matrix) for name, matrix in panel.grades.items()]
    if "trader_grade" not in panel.grades:
        measures += [
            ("grade", name, matrix) for name, matrix in computed_grade(panel, seeds).items()
        ]
    together = {trial.name: trial for trial in possible if trial.factor is None}
    measures += [("composite", name, composite(trial, ranked)) for name, trial in together.items()]
    daily: dict[tuple[str, str, int], dict[str, FloatArray]] = {}

    against = contests(outcomes, panel.universes)

    def kept(judged: Iterable[Judged]) -> Iterator[Judged]:
        for one in judged:
            if one.universe == ALL:
                wanted = {name: x for name, _, x in one.daily if name in SERIES}
                daily[one.kind, one.measure, one.horizon_d] = wanted
            yield one

    def judged_part(number: int) -> pl.DataFrame:
        part = judge_each(measures[number::WORKERS], against, parameters)
        return quality_rows(panel.grid, kept(part), parameters)

    with ThreadPoolExecutor(WORKERS) as pool:
        quality = pl.concat(pool.map(judged_part, range(WORKERS)))
    keys = ["measure_kind", "measure", "universe", "period", "horizon_d", "statistic", "quantile"]
    made: list[pl.DataFrame] = []
    chosen: list[pl.DataFrame] = []
    overfitting: dict[tuple[int, str], float | None] = {}
    for days in parameters.horizons_d:
        asked = [trial for trial in possible if trial.horizon_d == days]
        columns = [
            daily["factor", trial.factor, days]
            if trial.factor
            else daily["composite", trial.name, days]
            for trial in asked
        ]
        series = {name: _stacked([x[name] for x in columns], panel) for name in SERIES}
        rows, probabilities = _trials(asked, series, days)
        made.append(rows)
        chosen.append(_walk_forward(panel, asked, series, days, rule, parameters))
        overfitting |= {(days, name): found for name, found in probabilities.items()}
    return Findings(
        quality.sort(keys),
        correlation(ranked),
        pl.concat(made),
        pl.concat(chosen),
        overfitting,
        panel.warning,
    )


def read_horizons(text: str) -> tuple[int, ...]:
    """Days ahead, as people write them: '28,90,180'.

    Raises:
        ResearchError: it says anything else.
    """
    try:
        days = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        days = ()
    if not days or days[0] < 1:
        msg = f"{text!r} names no days ahead: write them as 7 or 28,90,180"
        raise ResearchError(msg)
    return days


def computed_grade(panel: ResearchPanel, seeds: Path) -> dict[str, FloatArray]:
    """The trader grade, if it is made of the catalogue's factors alone; else nothing.

    The same functions and seeds that make the published one.
    """
    frames = {
        name: pl.read_csv(seeds / f"grade/cfg_grade{suffix}.csv")
        for name, suffix in (
            ("grades", ""),
            ("groups", "_group"),
            ("factors", "_factor"),
            ("labels", "_label"),
        )
    }
    parameters = grade_parameters("trader_grade", **frames)
    names = [factor.name for factor in parameters.factors]
    if not set(names) <= set(catalogue_by_name()):
        return {}
    computed = panel.computed
    if not set(names) <= set(computed.columns):
        computed = compute_factors(panel.bars.lazy(), names).collect()
    members = panel.bars.lazy().select(ASSET, DAY, "in_universe")
    factors = computed.lazy().select(ASSET, DAY, *names).join(members, on=[ASSET, DAY])
    graded = assemble_grade(score_factors(factors, parameters), parameters).collect()
    (matrix,) = panel.grid.matrices(graded, [parameters.grade])
    return {parameters.grade: matrix}


def correlation(ranked: dict[str, FloatArray]) -> pl.DataFrame:
    """Mean rank correlation of each two factors; an unknown rank stands in the middle."""
    names = list(ranked)
    stack = np.stack([matrix[::CORRELATION_STEP_D] for matrix in ranked.values()], axis=1) - 0.5
    stack = np.nan_to_num(stack)
    together = stack @ stack.transpose(0, 2, 1)
    size = np.sqrt(np.einsum("dff->df", together))
    scale = size[:, :, None] * size[:, None, :]
    daily = np.where(scale > 0, together / np.where(scale > 0, scale, 1.0), np.nan)
    count = (~np.isnan(daily)).sum(axis=0)
    mean = np.where(count > 0, np.nansum(daily, axis=0) / np.maximum(count, 1), np.nan)
    return pl.DataFrame(
        {"factor": names, **{name: mean[:, place] for place, name in enumerate(names)}}
    ).with_columns(pl.exclude("factor").fill_nan(None))


def _stacked(columns: Sequence[FloatArray], panel: ResearchPanel) -> FloatArray:
    """Days by trials."""
    return np.column_stack(columns) if columns else np.zeros((len(panel.grid.days), 0))


def _trials(
    trials: Sequence[Trial], series: dict[str, FloatArray], horizon_d: int
) -> tuple[pl.DataFrame, dict[str, float | None]]:
    schema = {
        "horizon_d": pl.Int64(),
        "trial": pl.String(),
        "statistic": pl.String(),
        "mean": pl.Float64(),
        "standard_error": pl.Float64(),
        "t_stat": pl.Float64(),
        "turnover_frac": pl.Float64(),
        "period_count": pl.Int64(),
        "sharpe": pl.Float64(),
        "deflated_sharpe_probability": pl.Float64(),
    }
    rows: list[dict[str, object]] = []
    overfitting: dict[str, float | None] = {}
    for statistic in ("ic", "spread_net_ret") if trials else ():
        daily = series[statistic]
        # a factor of many equals has a day's number now and then: it cannot be set beside others
        reported = np.flatnonzero(
            (~np.isnan(daily)).sum(axis=0) >= MIN_TOLD_SHARE * (~np.isnan(daily)).any(axis=1).sum()
        )
        whole = _apart(daily[:, reported], horizon_d)
        apart = np.full((len(whole), len(trials)), np.nan)
        apart[:, reported] = whole
        ratios = np.array([sharpe(column) for column in apart.T])
        known_ratios = ratios[np.isfinite(ratios)]
        spread = float(known_ratios.var(ddof=1)) if len(known_ratios) > 1 else 0.0
        try:
            overfitting[statistic] = overfitting_probability(whole, BLOCKS)[0]
        except AnalyticsError:
            overfitting[statistic] = None
        for place, trial in enumerate(trials):
            column = apart[:, place]
            known = daily[:, place][~np.isnan(daily[:, place])]
            mean = float(known.mean()) if len(known) else None
            error = _error(known, horizon_d)
            turnover = series["turnover_frac"][:, place]
            probability = None
            if len(column) > 3 and np.isfinite(ratios[place]):
                skewness, kurtosis = moments(column)
                probability = deflated_sharpe(
                    float(ratios[place]),
                    count=len(column),
                    skewness=skewness,
                    kurtosis=kurtosis,
                    trial_count=len(trials),
                    trial_variance=spread,
                )
            rows.append(
                {
                    "horizon_d": horizon_d,
                    "trial": trial.name,
                    "statistic": statistic,
                    "mean": mean,
                    "standard_error": None if np.isnan(error) else error,
                    "t_stat": None if mean is None or np.isnan(error) else mean / error,
                    "turnover_frac": None
                    if np.isnan(turnover).all()
                    else float(np.nanmean(turnover)),
                    "period_count": len(column),
                    "sharpe": None if np.isnan(ratios[place]) else float(ratios[place]),
                    "deflated_sharpe_probability": probability,
                }
            )
    return pl.DataFrame(rows, schema=schema), overfitting


def _apart(daily: FloatArray, horizon_d: int) -> FloatArray:
    """Every ``horizon_d``-th day on which all trials have a number: periods that do not overlap."""
    whole = np.flatnonzero(~np.isnan(daily).any(axis=1)) if daily.shape[1] else np.zeros(0, int)
    if not len(whole):
        return daily[:0]
    rows = np.arange(whole[0], whole[-1] + 1, horizon_d)
    return daily[rows[np.isin(rows, whole)]]


def _walk_forward(
    panel: ResearchPanel,
    trials: Sequence[Trial],
    series: dict[str, FloatArray],
    horizon_d: int,
    rule: ChoiceRule,
    parameters: QualityParameters,
) -> pl.DataFrame:
    schema = {
        "horizon_d": pl.Int64(),
        "fold": pl.Int64(),
        "train_last_day": pl.Date(),
        "test_first_day": pl.Date(),
        "test_last_day": pl.Date(),
        "chosen": pl.String(),
        "inside": pl.Float64(),
        "ic": pl.Float64(),
        "t_stat": pl.Float64(),
        "spread_net_ret": pl.Float64(),
        "turnover_frac": pl.Float64(),
    }
    reported = np.flatnonzero(~np.isnan(series["ic"]).all(axis=1)) if trials else np.zeros(0, int)
    if not len(reported):
        return pl.DataFrame(schema=schema)
    span = slice(int(reported[0]), int(reported[-1]) + 1)
    ic, net, turnover = (series[name][span] for name in ("ic", "spread_net_ret", "turnover_frac"))
    objective = ic - rule.turnover_penalty * np.nan_to_num(turnover)
    try:
        parts = folds(
            len(objective),
            fold_count=rule.fold_count,
            min_train_d=max(rule.min_train_d, horizon_d),
            purge_d=horizon_d + parameters.skip_d,
            embargo_d=rule.embargo_d,
        )
    except ResearchError:
        return pl.DataFrame(schema=schema)
    days = panel.grid.days[span]
    rows: list[dict[str, object]] = []
    outside = []
    for number, choice in enumerate(choose(objective, parts), start=1):
        test = choice.fold.test
        outside.append(np.column_stack([part[test, choice.trial] for part in (ic, net, turnover)]))
        rows.append(
            {
                "horizon_d": horizon_d,
                "fold": number,
                "train_last_day": days[int(choice.fold.train[-1])],
                "test_first_day": days[int(test[0])],
                "test_last_day": days[int(test[-1])],
                "chosen": trials[choice.trial].name,
                "inside": choice.inside,
                **_outside(outside[-1], horizon_d),
            }
        )
    rows.append(
        {
            "horizon_d": horizon_d,
            "fold": 0,
            "train_last_day": None,
            "test_first_day": rows[0]["test_first_day"],
            "test_last_day": rows[-1]["test_last_day"],
            "chosen": "all folds",
            "inside": None,
            **_outside(np.vstack(outside), horizon_d),
        }
    )
    return pl.DataFrame(rows, schema=schema)


def _error(values: FloatArray, horizon_d: int) -> float:
    return float(newey_west(values[:, None], lag_count(len(values), horizon_d))[0])


def _outside(outside: FloatArray, horizon_d: int) -> dict[str, float | None]:
    ic = outside[:, 0][~np.isnan(outside[:, 0])]
    error = _error(ic, horizon_d)
    means = [
        float(np.nanmean(outside[:, place])) if (~np.isnan(outside[:, place])).any() else None
        for place in range(3)
    ]
    return {
        "ic": means[0],
        "t_stat": None if means[0] is None or np.isnan(error) else means[0] / error,
        "spread_net_ret": means[1],
        "turnover_frac": means[2],
    }
