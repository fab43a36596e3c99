"""The ledger of trials: every composite that was ever looked at, so that luck can be reckoned with.

A trial is a line of text from which its values can be computed again on any panel. The best of many
trials is better than it will be: how much better depends on how many there were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.analytics.calendar import FloatArray
from pipelines.analytics.cross_section import rank_rows
from pipelines.research.errors import ResearchError
from pipelines.research.panel import is_score

MIN_WEIGHT_SHARE = 0.6
"""Share of a composite's weight that an asset needs: the coverage floor of the grades."""

COLUMNS = ("trial", "horizon_d", "terms", "halflife_d", "note")


@dataclass(frozen=True, slots=True)
class Trial:
    """A weighted mean of ranks.

    Attributes:
        name: its name in the ledger.
        weights: factor of the catalogue, or its place in the asset's own past, to weight; below
            zero it counts against its sign.
        halflife_d: of the exponential mean that smooths it; 0: none.
        horizon_d: days ahead over which it was judged.
        note: why it was tried.
    """

    name: str
    weights: Mapping[str, float]
    halflife_d: float = 0.0
    horizon_d: int = 7
    note: str = ""

    @property
    def factor(self) -> str | None:
        """The score that orders assets as the trial does; None if it takes more than one."""
        ((name, weight), *others) = self.weights.items()
        return None if others or weight <= 0 or self.halflife_d else name


def read_trials(path: Path) -> list[Trial]:
    """Read a ledger.

    Args:
        path: CSV with ``COLUMNS``; ``terms`` is 'factor:weight factor:weight'.

    Raises:
        ResearchError: a line that cannot be read, an unknown factor or a name that stands twice.
    """
    if not path.exists():
        msg = f"no ledger of trials at {path}"
        raise ResearchError(msg)
    rows = pl.read_csv(path, schema_overrides={"terms": pl.String, "note": pl.String})
    if tuple(rows.columns) != COLUMNS:
        msg = f"{path}: the columns are {rows.columns}, not {list(COLUMNS)}"
        raise ResearchError(msg)
    found = []
    for line, row in enumerate(rows.iter_rows(named=True), start=2):
        weights: dict[str, float] = {}
        for term in (row["terms"] or "").split():
            factor, _, weight = term.partition(":")
            if not is_score(factor):
                msg = f"{path}, line {line}: no factor {factor!r} in the catalogue"
                raise ResearchError(msg)
            try:
                weights[factor] = float(weight)
            except ValueError as error:
                msg = f"{path}, line {line}: {term!r} is no factor:weight"
                raise ResearchError(msg) from error
        if not weights or not any(weights.values()):
            msg = f"{path}, line {line}: a trial without a weight"
            raise ResearchError(msg)
        if not isinstance(row["horizon_d"], int) or row["horizon_d"] < 1:
            msg = f"{path}, line {line}: {row['horizon_d']!r} is no number of days"
            raise ResearchError(msg)
        found.append(
            Trial(
                row["trial"],
                weights,
                float(row["halflife_d"] or 0),
                row["horizon_d"],
                row["note"] or "",
            )
        )
    names = [(trial.name, trial.horizon_d) for trial in found]
    if len(set(names)) != len(names):
        twice = sorted(
            {f"{name} over {days} d" for name, days in names if names.count((name, days)) > 1}
        )
        msg = f"{path}: trials that stand twice: {twice}"
        raise ResearchError(msg)
    made: dict[str, Trial] = {}
    for trial in found:
        other = made.setdefault(trial.name, trial)
        if (other.weights, other.halflife_d) != (trial.weights, trial.halflife_d):
            msg = f"{path}: {trial.name!r} names two different trials"
            raise ResearchError(msg)
    return found


def percentiles(values: FloatArray) -> FloatArray:
    """Ranks of each row between 0 and 1, the middle of the row at 0.5."""
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    share: FloatArray = (rank_rows(values) - 0.5) / np.maximum(count, 1)
    return share


def composite(trial: Trial, ranked: Mapping[str, FloatArray]) -> FloatArray:
    """The values of a trial.

    Args:
        trial: what to weigh.
        ranked: factor to its ``percentiles``, high is good.

    Raises:
        ResearchError: a factor is not there.
    """
    missing = sorted(set(trial.weights) - set(ranked))
    if missing:
        msg = f"{trial.name} needs {missing}, which this panel lacks"
        raise ResearchError(msg)
    total = sum(abs(weight) for weight in trial.weights.values())
    shape = next(iter(ranked.values())).shape
    above, below = np.zeros(shape), np.zeros(shape)
    for factor, weight in trial.weights.items():
        known = ~np.isnan(ranked[factor])
        above += np.where(known, weight * (ranked[factor] - 0.5), 0.0)
        below += np.where(known, abs(weight), 0.0)
    enough = below >= MIN_WEIGHT_SHARE * total - 1e-9
    mean = np.where(enough, above / np.where(enough, below, 1.0), np.nan)
    return _smoothed(mean, trial.halflife_d) if trial.halflife_d else mean


def _smoothed(values: FloatArray, halflife_d: float) -> FloatArray:
    share = 1 - 0.5 ** (1 / halflife_d)
    state = np.full(values.shape[1], np.nan)
    found = np.empty_like(values)
    for row, today in enumerate(values):
        moved = np.where(np.isnan(state), today, state + share * (today - state))
        state = np.where(np.isnan(today), state, moved)
        found[row] = np.where(np.isnan(today), np.nan, state)
    return found
