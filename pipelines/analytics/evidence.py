"""What a grade has been worth, as it could be known on the day: nothing here looks forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import DAY, FloatArray
from pipelines.analytics.cross_section import Grid, Ordered, rank_correlation
from pipelines.analytics.inference import expanding_newey_west, lag_count, newey_west
from pipelines.analytics.parameters import from_seed

GRADE: Final = "grade"

STRONG, WEAK, NONE = "strong", "weak", "none"
RECORD, BENCH = "record", "bench"

_SCHEMA: Final = {
    GRADE: pl.String(),
    DAY: pl.Date(),
    "horizon_d": pl.Int64(),
    "ic": pl.Float64(),
    "ic_asset_count": pl.Int64(),
    "ic_recent_mean": pl.Float64(),
    "ic_recent_t_stat": pl.Float64(),
    "ic_mean": pl.Float64(),
    "ic_t_stat": pl.Float64(),
    "ic_day_count": pl.Int64(),
    "evidence": pl.String(),
    "evidence_basis": pl.String(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParameters:
    """By what a grade is judged; the values are a seed.

    Attributes:
        grade: the grade; what only describes is not among them.
        horizon_d: days of the returns that it is held against.
        window_d: days of which the recent mean is taken.
        window_min_obs: days with a correlation that the recent mean needs.
        strong_t: t-value from which evidence is strong.
        strong_periods: horizons, end to end, that strong evidence needs.
        weak_t: t-value from which it is weak.
        weak_periods: horizons, end to end, below which a grade has no record to speak of.
    """

    grade: str
    horizon_d: int
    window_d: int
    window_min_obs: int
    strong_t: float
    strong_periods: float
    weak_t: float
    weak_periods: float


def evidence_parameters(seed: pl.DataFrame) -> list[EvidenceParameters]:
    """The grades that are judged, by the newest version of ``cfg_grade_evidence``."""
    newest = seed.filter(pl.col("version") == pl.col("version").max()).sort(GRADE).drop("version")
    return [from_seed(EvidenceParameters, row) for row in newest.to_dicts()]


def grade_evidence(
    grades: pl.DataFrame,
    closes: pl.DataFrame,
    bench: pl.DataFrame,
    judged: Sequence[EvidenceParameters],
    *,
    skip_d: int,
    min_assets: int,
) -> pl.DataFrame:
    """What each grade has been worth, on each day (formula: grade-evidence).

    The rank correlation of the grades of day d with the returns that followed is known when these
    have ended, on d + ``skip_d`` + ``horizon_d``, and stands there: the row of a day rests on that
    day and the ones before.

    Args:
        grades: one row per (grade, asset_id, day) with ``value`` of the members; high is good.
        closes: one row per (asset_id, day) with ``close_usd`` in constant units, 0 once dead.
        bench: what recorded bars said: ``grade``, ``horizon_d``, ``ic_t_stat``, ``ic_day_count``,
            ``last_day`` (of the grades judged) and ``is_chosen_on`` (the grade was chosen on these
            days: that is weak evidence at most).
        judged: the grades and how each is judged.
        skip_d: days between the close that a grade rests on and the one at which the return begins.
        min_assets: assets that a day's correlation needs.

    Returns:
        One row per (grade, day): ``horizon_d``, ``ic`` (NULL: not enough assets) of
        ``ic_asset_count`` assets, ``ic_recent_mean`` (of the last ``window_d`` days) and its
        ``ic_recent_t_stat``, ``ic_mean`` and its ``ic_t_stat`` of the ``ic_day_count`` days so far,
        ``evidence`` and
        ``evidence_basis`` ('record': by what is in the row; 'bench'; NULL: there is neither).
    """
    found = [pl.DataFrame(schema=_SCHEMA)]
    if grades.is_empty() and closes.is_empty():
        return found[0]
    grid = Grid.around(closes, grades)
    (close,) = grid.matrices(closes, ["close_usd"])
    for parameters in judged:
        name, horizon = parameters.grade, parameters.horizon_d
        (values,) = grid.matrices(grades.filter(pl.col(GRADE) == name), ["value"])
        ic, count = _known_ic(values, close, horizon, skip_d=skip_d, min_assets=min_assets)
        reported = ~np.isnan(ic)
        mean, t_stat = np.full_like(ic, np.nan), np.full_like(ic, np.nan)
        mean[reported] = ic[reported].cumsum() / np.arange(1, reported.sum() + 1)
        t_stat[reported] = mean[reported] / expanding_newey_west(ic[reported], horizon)
        recent, recent_t = _recent(ic, parameters)
        record = (
            pl.DataFrame(
                {
                    DAY: grid.days,
                    "ic": ic,
                    "ic_asset_count": count,
                    "ic_recent_mean": recent,
                    "ic_recent_t_stat": recent_t,
                    "ic_mean": mean,
                    "ic_t_stat": t_stat,
                }
            )
            .with_columns(pl.col(pl.Float64).fill_nan(None))
            .with_columns(
                pl.lit(name).alias(GRADE),
                pl.lit(horizon, pl.Int64).alias("horizon_d"),
                pl.col("ic_mean", "ic_t_stat").forward_fill(),
                pl.col("ic").cum_count().cast(pl.Int64).alias("ic_day_count"),
            )
        )
        found.append(_worded(record, bench, parameters, skip_d).select(list(_SCHEMA)))
    return pl.concat(found)


def _recent(ic: FloatArray, parameters: EvidenceParameters) -> tuple[FloatArray, FloatArray]:
    """Mean of the last ``window_d`` days of each day, and its t-value; NaN where there is none."""
    mean, t_stat = np.full_like(ic, np.nan), np.full_like(ic, np.nan)
    for day in range(len(ic)):
        window = ic[max(day + 1 - parameters.window_d, 0) : day + 1]
        known = window[~np.isnan(window)]
        if len(known) >= parameters.window_min_obs:
            lags = lag_count(len(known), parameters.horizon_d)
            mean[day] = known.mean()
            t_stat[day] = mean[day] / newey_west(known[:, None], lags)[0]
    return mean, t_stat


def _worded(
    record: pl.DataFrame, bench: pl.DataFrame, parameters: EvidenceParameters, skip_d: int
) -> pl.DataFrame:
    """Add the word: by the record, or before there is one by the newest bench that had ended."""
    word = _word(parameters)
    ended = pl.col("last_day") + timedelta(days=skip_d + parameters.horizon_d)
    benched = (
        bench.filter(
            (pl.col(GRADE) == parameters.grade) & (pl.col("horizon_d") == parameters.horizon_d)
        )
        .select(
            ended.alias(DAY),
            pl.when(pl.col("is_chosen_on") & (word == STRONG))
            .then(pl.lit(WEAK))
            .otherwise(word)
            .alias("_benched"),
        )
        .sort(DAY)
    )
    has_record = pl.col("ic_day_count") >= parameters.weak_periods * parameters.horizon_d
    return record.join_asof(benched, on=DAY).with_columns(
        pl.when(has_record)
        .then(word)
        .otherwise(pl.col("_benched"))
        .fill_null(NONE)
        .alias("evidence"),
        pl.when(has_record)
        .then(pl.lit(RECORD))
        .when(pl.col("_benched").is_not_null())
        .then(pl.lit(BENCH))
        .alias("evidence_basis"),
    )


def _word(parameters: EvidenceParameters) -> pl.Expr:
    """strong, weak or none, by ``ic_t_stat`` and ``ic_day_count``."""
    t_stat, periods = pl.col("ic_t_stat"), pl.col("ic_day_count") / parameters.horizon_d
    return (
        pl.when((t_stat >= parameters.strong_t) & (periods >= parameters.strong_periods))
        .then(pl.lit(STRONG))
        .when((t_stat >= parameters.weak_t) & (periods >= parameters.weak_periods))
        .then(pl.lit(WEAK))
        .otherwise(pl.lit(NONE))
    )


def _known_ic(
    values: FloatArray, close: FloatArray, horizon_d: int, *, skip_d: int, min_assets: int
) -> tuple[FloatArray, FloatArray]:
    """Rank correlation on the day on which it is known, and of how many assets."""
    graded, returns = _ago(values, skip_d + horizon_d), _ended_returns(close, horizon_d)
    # who lacks one of the two takes no part: the others are ranked among themselves
    both = ~(np.isnan(graded) | np.isnan(returns))
    count = both.sum(axis=1)
    places, followed = (
        Ordered.of(np.where(both, side, np.nan)).ranks for side in (graded, returns)
    )
    return rank_correlation(places, followed, count, min_count=min_assets), count


def _ended_returns(close: FloatArray, horizon_d: int) -> FloatArray:
    """Returns of the ``horizon_d`` days that end on each day.

    What has no close any more counts with its last one: whether a close will come back is not known
    on the day.
    """
    begin = _ago(close, horizon_d)
    held = (
        pl.DataFrame(close)
        .fill_nan(None)
        .select(pl.all().forward_fill(limit=horizon_d))
        .fill_null(np.nan)
        .to_numpy()
    )
    return np.where(begin > 0, held / np.where(begin > 0, begin, 1.0) - 1, np.nan)


def _ago(values: FloatArray, days: int) -> FloatArray:
    """What stood there ``days`` rows before; NaN before the beginning."""
    earlier = np.full_like(values, np.nan)
    earlier[days:] = values[: max(len(values) - days, 0)]
    return earlier
