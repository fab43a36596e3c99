"""How old the data are: counted from the days that they are about, never from when something ran.

A source that answers each day with what it answered yesterday is asked, landed and built without
an error. `ops_freshness` says so of what is published; this module says it at any instant, of the
lake and of the publication as they are, by the same thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import polars as pl

from pipelines import sources
from pipelines.analytics.parameters import newest_version
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.tables import Table, Timing
from pipelines.core.windows import (
    DAY,
    FixedClock,
    Window,
    clock_at,
    last_complete_day,
    start_of,
)
from pipelines.extraction.source import disabled_reason
from pipelines.lake.catalog import newest_fetch, read_catalog
from pipelines.publishing.manifest import DATABASE_NAME

Status = Literal["fresh", "late", "stale", "empty"]
_WORST_FIRST: tuple[Status, ...] = ("stale", "late", "fresh", "empty")

# a mart is due when its slowest source is: the publication knows which that was
_PUBLISHED = """
    select subject, newest_day, declared_lag_h
    from marts.ops_freshness
    where subject_kind = 'mart'
    order by subject
"""


@dataclass(frozen=True)
class Tolerance:
    """How many hours over the declared lag make data late, and stale.

    A day is due 24 hours after the one before it, so that much is part of both.
    """

    late_after_h: float
    stale_after_h: float


@dataclass(frozen=True)
class Freshness:
    """How old one table's or mart's data are.

    Attributes:
        subject: `source.table`, or the mart.
        status: empty: it never had data. late, stale: a day is due that is not there.
        newest_day: the newest day that the data are about.
        late_since: the instant from which on it counts, or will count, as late.
    """

    subject: str
    status: Status
    newest_day: date | None
    late_since: datetime | None

    @property
    def source(self) -> str:
        """The source, of a raw table."""
        return self.subject.partition(".")[0]

    def __str__(self) -> str:
        if self.newest_day is None or self.late_since is None:
            return f"{self.subject}: no data yet"
        text = f"{self.subject}: newest day {self.newest_day}"
        if self.status == "fresh":
            return text
        return (
            f"{text}, {self.status}: the next one was due by {self.late_since:%Y-%m-%d %H:%M} UTC"
        )


def tolerance(settings: Settings) -> Tolerance:
    """Return the newest version of the thresholds that `ops_freshness` judges by, too."""
    seed = pl.read_csv(settings.dbt_dir / "seeds" / "operation" / "cfg_ops.csv")
    values = newest_version(seed)
    return Tolerance(float(str(values["late_after_h"])), float(str(values["stale_after_h"])))


def judged_at(settings: Settings) -> datetime:
    """Return the instant at which data are judged outside of a run.

    A sandbox has no time but that of its server: without one it is when it was last asked.
    """
    if settings.profile == "sandbox" and settings.now is None:
        asked_at = newest_fetch(settings)
        if asked_at is not None:
            return asked_at
    return clock_at(settings.now).now()


def watched(source_name: str) -> tuple[Table, ...]:
    """Return the raw tables of which data are due: no lists, no archives."""
    return tuple(table for table in sources.tables(source_name) if _lag_h(table) is not None)


def of_tables(
    settings: Settings, now: datetime, window: Window | None = None
) -> tuple[Freshness, ...]:
    """Return how old the lake's tables are, of the sources that are asked.

    Args:
        settings: lake, and which sources are asked.
        now: the instant at which they are judged.
        window: the days of a run: nothing that came after them is due from it.
    """
    allowed, reached = tolerance(settings), _reached(settings)
    return tuple(
        judge(
            f"{name}.{table.name}",
            reached.get((name, table.name)),
            lag_h,
            _as_of(now, window, lag_h, allowed),
            allowed,
        )
        for name in sources.SOURCES
        if disabled_reason(sources.source(name), settings) is None
        for table in watched(name)
        if (lag_h := _lag_h(table)) is not None and not _is_forgotten(table, now, window)
    )


def of_marts(
    settings: Settings, now: datetime, window: Window | None = None
) -> tuple[Freshness, ...]:
    """Return how old the numbers of the current publication are; nothing where there is none.

    Args:
        settings: where the publication is.
        now: the instant at which it is judged.
        window: the days of a run: nothing that came after them is due from it.
    """
    path = settings.published_dir / DATABASE_NAME
    if not path.exists():
        return ()
    allowed = tolerance(settings)
    with warehouse.read(path) as connection:
        rows = connection.execute(_PUBLISHED).fetchall()
    return tuple(
        judge(mart, newest_day, lag_h, _as_of(now, window, lag_h, allowed), allowed)
        for mart, newest_day, lag_h in rows
    )


def judge(
    subject: str, newest_day: date | None, lag_h: float, as_of: datetime, allowed: Tolerance
) -> Freshness:
    """Say how old data are at an instant.

    Args:
        subject: whose data.
        newest_day: the newest day that they are about; None: there are none.
        lag_h: hours after the end of a day at which it is promised.
        as_of: the instant.
        allowed: what is tolerated beyond the promise.
    """
    if newest_day is None:
        return Freshness(subject, "empty", None, None)
    promised = start_of(newest_day + DAY) + timedelta(hours=lag_h)
    late_since = promised + timedelta(hours=allowed.late_after_h)
    status: Status = "fresh"
    if as_of > promised + timedelta(hours=allowed.stale_after_h):
        status = "stale"
    elif as_of > late_since:
        status = "late"
    return Freshness(subject, status, newest_day, late_since)


def worst(found: Iterable[Freshness]) -> Status:
    """Return the status of several together: that of the worst."""
    statuses = {one.status for one in found}
    return next((status for status in _WORST_FIRST if status in statuses), "empty")


def described_day(timing: Timing, label: datetime) -> date:
    """Return the newest day that a row with this label is about.

    Where the series of a table label their rows in different ways it is the later one: a row about
    it may be there.
    """
    at_its_end = (label - timedelta(microseconds=1)).date()
    day = label.date().isoformat()
    days = [
        # a state at midnight and a settlement there belong to the day that ends
        at_its_end if convention.meaning in ("point_in_time", "event") else label.date()
        for convention in timing.conventions
        if (convention.valid_from or day) <= day < (convention.valid_to or "9999")
    ]
    return max(days, default=at_its_end)


def _lag_h(table: Table) -> int | None:
    timing = table.timing
    # a list is that of the moment
    if timing is None or all(one.meaning == "snapshot" for one in timing.conventions):
        return None
    return timing.publish_lag_h


def _as_of(now: datetime, window: Window | None, lag_h: float, allowed: Tolerance) -> datetime:
    if window is None:
        return now
    # the last instant at which the window's own last day is all that is due
    return min(now, window.end_at + timedelta(hours=lag_h + allowed.late_after_h))


def _is_forgotten(table: Table, now: datetime, window: Window | None) -> bool:
    """Tell whether the source no longer has the run's days."""
    if window is None or table.timing is None or table.timing.reach_d is None:
        return False
    return window.end_at < now - table.timing.reach_d * DAY


def _reached(settings: Settings) -> dict[tuple[str, str], date]:
    """Return the newest day that each raw table has rows about."""
    timings = {
        (name, table.name): table.timing for name in sources.SOURCES for table in watched(name)
    }
    newest = (
        read_catalog(settings)
        .filter(pl.col("newest_at").is_not_null())
        .group_by("source", "table_name")
        .agg(pl.col("newest_at").max(), pl.col("fetched_at").max())
    )
    found = {}
    for source_name, table_name, newest_at, fetched_at in newest.iter_rows():
        timing = timings.get((source_name, table_name))
        if timing is not None:
            # a label at a day's end may bear the date of a day that was not over
            over = last_complete_day(FixedClock(fetched_at))
            found[source_name, table_name] = min(described_day(timing, newest_at), over)
    return found
