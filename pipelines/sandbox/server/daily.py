"""Daily tables, split into series: which values are served at an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipelines.sandbox.server.state import Floats, Ints, State, Versions

DAY_S = 86_400
EPOCH = date(1970, 1, 1)
# beyond it not every whole number is one
_EXACT = 2**53


@dataclass(frozen=True)
class Seen:
    """A series as it is served at an instant.

    Attributes:
        days: numbers of days since 1970, in order.
        values: columns, NaN where a value is null.
    """

    days: Ints
    values: Mapping[str, Floats]

    def __len__(self) -> int:
        """Return how many days it has."""
        return len(self.days)

    def column(self, name: str) -> list[float | None]:
        """Return a column with None for null."""
        return [None if value != value else value for value in self.values[name].tolist()]

    def last(self, name: str) -> float | None:
        """Return the newest value of a column that is not null."""
        known = self.values[name][~np.isnan(self.values[name])]
        return float(known[-1]) if len(known) else None

    def back(self, name: str, days: int, today: int) -> float | None:
        """Return the value of a column at the end of the day that was `days` before yesterday."""
        found = np.flatnonzero(self.days == today - 1 - days)
        value = float(self.values[name][found[0]]) if len(found) else float("nan")
        return None if np.isnan(value) else value


class Series:
    """One series of a daily table."""

    def __init__(self, frame: pl.DataFrame, columns: Sequence[str]) -> None:
        """Take the series' rows, sorted by day and known instant."""
        days: Ints = frame["day"].to_physical().cast(pl.Int64).to_numpy()
        self._versions = Versions(days, frame["known_us"].to_numpy(), frame["gone"].to_numpy())
        self._columns = {
            name: frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            for name in columns
        }

    def at(self, now_us: int) -> Seen:
        """Return what is served at an instant."""
        positions = self._versions.at(now_us)
        return Seen(
            self._versions.keys[positions],
            {name: values[positions] for name, values in self._columns.items()},
        )


class DailyTable:
    """A daily table, split by its key without the day; loaded when it is first asked for."""

    def __init__(self, state: State, table: str, by: Sequence[str], columns: Sequence[str]) -> None:
        """Split the table's rows."""
        self._state = state
        parts: Mapping[tuple[Any, ...], pl.DataFrame] = {}
        if state.dataset.has(table):
            whole = state.frame(table)
            # a table of a single series cannot be split
            parts = {(): whole}
            if by:
                parts = whole.partition_by(by, as_dict=True, maintain_order=True)
        self._series = {
            tuple(str(name) for name in key): Series(part, columns) for key, part in parts.items()
        }
        self._columns = columns

    def keys(self) -> list[tuple[str, ...]]:
        """Return the keys of all series."""
        return list(self._series)

    def seen(self, *key: str) -> Seen:
        """Return a series at the clock's instant; an empty one for a key that is not there."""
        series = self._series.get(key)
        if series is None:
            empty = np.empty(0)
            return Seen(empty.astype(np.int64), dict.fromkeys(self._columns, empty))
        return series.at(self._state.now_us)


def table(state: State, name: str, by: Sequence[str], columns: Sequence[str]) -> DailyTable:
    """Return a daily table of the dataset, loaded once for those who read the same columns."""
    return state.kept((name, "daily", *by, *columns), lambda: DailyTable(state, name, by, columns))


def total(parts: Sequence[Seen], name: str) -> tuple[Ints, Floats]:
    """Return the days and sums of a column over several series; a day without a value is left out.

    A null in one series does not spoil the sum: the source sums what it has.
    """
    known = [(part.days, part.values[name]) for part in parts if len(part)]
    if not known:
        return np.empty(0, np.int64), np.empty(0)
    days = np.unique(np.concatenate([days[~np.isnan(values)] for days, values in known]))
    sums = np.zeros(len(days))
    for own, values in known:
        is_there = ~np.isnan(values)
        np.add.at(sums, np.searchsorted(days, own[is_there]), values[is_there])
    return days, sums


def rows(state: State, name: str) -> list[dict[str, Any]]:
    """Return the rows of a descriptive table at the clock's instant; none without the table."""
    if not state.dataset.has(name):
        return []
    return list(state.visible(name).iter_rows(named=True))


def today(state: State) -> int:
    """Return the number of the clock's day."""
    return (state.today - EPOCH).days


def now_s(state: State) -> int:
    """Return the clock's instant in seconds."""
    return state.now_us // 1_000_000


def day_text(day: int) -> str:
    """Return the date of a day's number, as ISO text."""
    return (EPOCH + timedelta(days=day)).isoformat()


def iso(seconds: float) -> str:
    """Return an instant with milliseconds and a `Z`, as JavaScript prints it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def clean(value: float | None) -> float | int | None:
    """Return a number as JavaScript prints it: whole ones without a fraction."""
    # NaN is the one number that differs from itself; NumPy's test of a single one is slow
    if value is None or value != value:
        return None
    return int(value) if value % 1 == 0 and abs(value) < _EXACT else value
