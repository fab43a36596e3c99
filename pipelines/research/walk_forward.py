"""Choosing inside the past and judging outside of it: purged, embargoed walk-forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.analytics.calendar import FloatArray, IntArray
from pipelines.research.errors import ResearchError

MIN_DAY_SHARE: Final = 0.9
"""Part of the days on which there is a number of anybody: of fewer a trial's cannot be compared."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to choose by, and the rows after them to judge by."""

    train: IntArray
    test: IntArray


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen in a fold, and what became of it.

    Attributes:
        fold: its rows.
        trial: column of the chosen trial.
        inside: its objective in the training part.
    """

    fold: Fold
    trial: int
    inside: float


def folds(
    day_count: int, *, fold_count: int, min_train_d: int, purge_d: int, embargo_d: int
) -> list[Fold]:
    """Cut a time into a growing past and the stretch after it.

    A row of the past whose outcome reaches into the stretch that is judged would tell about it, so
    the last ``purge_d`` rows before it take no part, nor do ``embargo_d`` more, for what factors
    with a memory still carry over.

    Args:
        day_count: rows.
        fold_count: stretches to judge.
        min_train_d: rows that the first choice needs.
        purge_d: days that an outcome looks ahead, the skip among them.
        embargo_d: days more.

    Raises:
        ResearchError: the time is too short.
    """
    first = min_train_d + purge_d + embargo_d
    length = (day_count - first) // fold_count
    if length < 1:
        msg = f"{day_count} days are too few for {fold_count} folds after {first} days"
        raise ResearchError(msg)
    found = []
    for number in range(fold_count):
        start = first + number * length
        end = day_count if number == fold_count - 1 else start + length
        found.append(Fold(np.arange(start - purge_d - embargo_d), np.arange(start, end)))
    return found


def choose(
    objective: FloatArray, parts: Sequence[Fold], exposure: FloatArray | None = None
) -> list[Choice]:
    """Choose in each fold the trial whose mean objective is the highest in the training part.

    A trial that has numbers on a part of the days alone was not there when others lost.

    Args:
        objective: days by trials; NaN where there is nothing to say.
        parts: the folds.
        exposure: days by trials: what is at stake on each; trials are then compared by what they
            earn for each part of it. None: it is always the same.
    """
    found = []
    for fold in parts:
        past = objective[fold.train]
        known = ~np.isnan(past)
        enough = known.sum(axis=0) >= MIN_DAY_SHARE * known.any(axis=1).sum()
        stake = np.where(known, 1.0 if exposure is None else exposure[fold.train], 0.0).sum(axis=0)
        mean = np.where(
            enough & (stake > 0),
            np.nansum(past, axis=0) / np.where(stake > 0, stake, 1.0),
            -np.inf,
        )
        best = int(mean.argmax())
        found.append(Choice(fold, best, float(mean[best])))
    return found
