"""The parameters of a grade from its seed tables: weights and thresholds are data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.parameters import fingerprint, from_seed, newest_version
from pipelines.analytics.scoring import (
    Factor,
    GradeParameters,
    Label,
    assemble_grade,
    score_factors,
)

LABEL_KINDS: Final = {"signal": "signal_labels", "momentum": "momentum_labels"}
"""What a label describes: the grade, or its change; and the field that takes it."""

_DESCRIPTIVE: Final = ("version", "grade")


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorParameters:
    """Numbers inside of the factors, as the models that compute them read them (a seed).

    Attributes:
        rsi_middle: RSI that is neither strength nor weakness.
        strength_clip: distance from it beyond which strength does not grow.
        downside_target: daily return below which a day falls short.
        downside_min_obs: daily returns that the downside deviation needs.
        min_stdev: a daily standard deviation below it is that of a constant.
        usage_fast_min_obs: days with a count of users in the short window of usage.
        usage_slow_min_obs: the same in its long window.
        user_growth_min_obs: the same in each window of the growth of users.
        turnover_min_obs: days with a volume in the window of the turnover.
    """

    rsi_middle: float
    strength_clip: float
    downside_target: float
    downside_min_obs: int
    min_stdev: float
    usage_fast_min_obs: int
    usage_slow_min_obs: int
    user_growth_min_obs: int
    turnover_min_obs: int


def graded(
    grade: str, values: pl.LazyFrame, *, inside: pl.DataFrame, **seeds: pl.DataFrame
) -> pl.LazyFrame:
    """A grade with the scores behind it, and the version and fingerprint of what it rests on.

    Args:
        grade: its name.
        values: what ``score_factors`` takes.
        inside: ``cfg_factor``.
        **seeds: those of ``grade_parameters``.

    Returns:
        The rows of ``assemble_grade`` with ``grade_version`` and ``weights_hash``.
    """
    parameters = grade_parameters(grade, **seeds)
    numbers = from_seed(FactorParameters, newest_version(inside))
    inside_version = inside.select(pl.col("version").max()).item()
    version = f"{grade_version(grade, seeds['grades'])}.{inside_version}"
    return assemble_grade(score_factors(values, parameters), parameters).with_columns(
        pl.lit(version).alias("grade_version"),
        pl.lit(fingerprint(parameters, numbers)).alias("weights_hash"),
    )


def grade_parameters(
    grade: str,
    *,
    grades: pl.DataFrame,
    groups: pl.DataFrame,
    factors: pl.DataFrame,
    labels: pl.DataFrame,
) -> GradeParameters:
    """Put a grade's parameters together from the newest version of its seeds.

    Args:
        grade: name of the grade, such as ``trader_grade``.
        grades: ``cfg_grade``: one row per version and grade, a column per number.
        groups: ``cfg_grade_group``: version, grade, ``position``, ``factor_group``, ``weight``.
        factors: ``cfg_grade_factor``: version, grade, ``position``, ``factor``,
            ``factor_group``, ``orientation``, ``peers`` and ``applies_to``.
        labels: ``cfg_grade_label``: version, grade, ``label_kind`` (one of ``LABEL_KINDS``),
            ``position``, ``label``, ``floor`` (NULL: no floor), ``is_open``.

    Returns:
        The parameters.

    Raises:
        AnalyticsError: a seed has no rows for the grade's version, or they contradict each other.
    """
    version = grade_version(grade, grades)
    numbers = _rows(grades, grade, version, "cfg_grade").drop(_DESCRIPTIVE)
    if numbers.height != 1:
        msg = f"cfg_grade: {numbers.height} rows for {grade} in version {version}"
        raise AnalyticsError(msg)
    members = _rows(factors, grade, version, "cfg_grade_factor").sort("position")
    weights = _rows(groups, grade, version, "cfg_grade_group").sort("position")
    named = _rows(labels, grade, version, "cfg_grade_label").sort("position")
    return from_seed(
        GradeParameters,
        numbers.row(0, named=True),
        grade=grade,
        factors=tuple(
            Factor(
                name=row["factor"],
                group=row["factor_group"],
                orientation=row["orientation"],
                peers=row["peers"] or None,
                applies_to=row["applies_to"] or None,
            )
            for row in members.iter_rows(named=True)
        ),
        group_weights=tuple(weights.select("factor_group", "weight").iter_rows()),
        **{field: _labels(named, kind) for kind, field in LABEL_KINDS.items()},
    )


def grade_version(grade: str, grades: pl.DataFrame) -> int:
    """The newest version of a grade's parameters.

    Raises:
        AnalyticsError: the grade is not in the seed.
    """
    versions = grades.filter(pl.col("grade") == grade)["version"]
    if versions.is_empty():
        msg = f"cfg_grade does not know {grade}"
        raise AnalyticsError(msg)
    return int(versions.max())  # type: ignore[arg-type]


def _rows(seed: pl.DataFrame, grade: str, version: int, name: str) -> pl.DataFrame:
    found = seed.filter((pl.col("grade") == grade) & (pl.col("version") == version))
    if found.is_empty():
        msg = f"{name} has no rows for {grade} in version {version}"
        raise AnalyticsError(msg)
    return found


def _labels(named: pl.DataFrame, kind: str) -> tuple[Label, ...]:
    chosen = named.filter(pl.col("label_kind") == kind)
    labels = tuple(
        Label(
            name=row["label"],
            floor=-math.inf if row["floor"] is None else float(row["floor"]),
            is_open=bool(row["is_open"]),
        )
        for row in chosen.iter_rows(named=True)
    )
    floors = [label.floor for label in labels]
    if not labels or floors != sorted(floors, reverse=True) or floors[-1] != -math.inf:
        msg = f"labels of the {kind} need falling floors, the last without one: {floors}"
        raise AnalyticsError(msg)
    return labels
