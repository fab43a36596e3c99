"""The bench itself: every factor, grade and trial of a panel against the returns that followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, FloatArray
from pipelines.analytics.factors import catalogue_by_name, compute_factors
from pipelines.analytics.grade_seeds import grade_parameters
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
from pipelines.research.conditions import Asked, conditions, held_against
from pipelines.research.errors import ResearchError
from pipelines.research.panel import ResearchPanel
from pipelines.research.selection import ChoiceRule, Contest, deflated, walk_forward
from pipelines.research.trials import Trial, composite, percentiles

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
CHOSEN_BY: Final = ("ic", "spread_net_ret")
SERIES: Final = (*CHOSEN_BY, "turnover_frac")
"""What is asked of the days of a trial, among all members."""

CORRELATION_STEP_D: Final = 7


@dataclass(frozen=True, slots=True)
class Findings:
    """What the bench found.

    Attributes:
        quality: the rows of ``quality.measure_quality``.
        correlation: factor by factor, mean of the days' rank correlations.
        trials: one row per trial: figures, Sharpe ratios and their deflated probability among the
            trials of its horizon.
        walk_forward: one row per horizon and fold: what was chosen inside and what it did outside.
        conditions: what grades were worth on the days of each condition, and the difference.
        overfitting: probability of backtest overfitting by horizon and statistic; None where it
            cannot be had.
        warning: why nothing can be concluded; None if something can.
    """

    quality: pl.DataFrame
    correlation: pl.DataFrame
    trials: pl.DataFrame
    walk_forward: pl.DataFrame
    conditions: pl.DataFrame
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
    asked = {name for trial in trials for name in trial.weights} - set(panel.factors)
    panel.with_own_history(sorted(asked))
    outcomes = [
        outcome(panel.closes, days, skip_d=parameters.skip_d, funding=panel.funding)
        for days in parameters.horizons_d
    ]
    scores = panel.factors | panel.own_history
    possible = [trial for trial in trials if set(trial.weights) <= set(scores)]
    together = {trial.name: trial for trial in possible if trial.factor is None}
    weighed = sorted({name for trial in together.values() for name in trial.weights})
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(percentiles, (scores[name] for name in weighed))
        ranked = dict(zip(weighed, found, strict=True))
    measures = [("factor", name, matrix) for name, matrix in panel.factors.items()]
    measures += [("own_history", name, matrix) for name, matrix in panel.own_history.items()]
    measures += [("grade", name, matrix) for name, matrix in panel.grades.items()]
    if "trader_grade" not in panel.grades:
        measures += [
            ("grade", name, matrix) for name, matrix in computed_grade(panel, seeds).items()
        ]
    measures += [("composite", name, composite(trial, ranked)) for name, trial in together.items()]
    daily: dict[tuple[str, int], dict[str, FloatArray]] = {}
    graded: list[Asked] = []
    against = contests(outcomes, panel.universes)

    def kept(judged: Iterable[Judged]) -> Iterator[Judged]:
        for one in judged:
            if one.universe == ALL:
                wanted = {name: x for name, _, x in one.daily if name in SERIES}
                daily[one.measure, one.horizon_d] = wanted
            if one.kind == "grade":
                graded.append(Asked.of(one))
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
        made_over = [trial for trial in possible if trial.horizon_d == days]
        columns = [daily[trial.factor or trial.name, days] for trial in made_over]
        contest = Contest(
            [trial.name for trial in made_over],
            days,
            panel.grid.days,
            {name: _stacked([x[name] for x in columns], panel) for name in SERIES},
        )
        rows, probabilities = deflated(contest, CHOSEN_BY)
        made.append(rows)
        turnover = np.nan_to_num(contest.series["turnover_frac"])
        objective = contest.series["ic"] - rule.turnover_penalty * turnover
        chosen.append(walk_forward(contest, objective, rule, skip_d=parameters.skip_d))
        if made_over:
            overfitting |= {(days, name): probabilities.get(name) for name in CHOSEN_BY}
    return Findings(
        quality.sort(keys),
        correlation(panel.factors),
        pl.concat(made),
        pl.concat(chosen),
        held_against(graded, conditions(panel)),
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
    graded = assemble_grade(score_factors(factors, parameters), parameters)
    wanted = graded.select(ASSET, DAY, parameters.grade).collect()
    (matrix,) = panel.grid.matrices(wanted, [parameters.grade])
    return {parameters.grade: matrix}


def correlation(factors: dict[str, FloatArray]) -> pl.DataFrame:
    """Mean rank correlation of each two factors; an unknown rank stands in the middle."""
    names = list(factors)
    ranked = [percentiles(matrix[::CORRELATION_STEP_D]) for matrix in factors.values()]
    stack = np.nan_to_num(np.stack(ranked, axis=1) - 0.5)
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
