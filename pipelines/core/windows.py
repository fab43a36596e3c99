"""Half-open UTC day windows, and the only place that knows what time it is.

Everything else takes a `Clock`: a replay under a simulated clock then yields the vintages of that
history, and no test has to patch time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

DAY = timedelta(days=1)


class Clock(Protocol):
    """Tells the instant of the run."""

    def now(self) -> datetime:
        """Return the current instant, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The wall's clock."""

    def now(self) -> datetime:
        """Return the wall's instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251  # this module is the one that may


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still: the sandbox's, a replay's, a test's."""

    instant: datetime

    def __post_init__(self) -> None:
        if self.instant.tzinfo is None:
            raise ValueError(f"a clock needs a time zone: {self.instant.isoformat()}")

    def now(self) -> datetime:
        """Return the fixed instant in UTC."""
        return self.instant.astimezone(UTC)


def clock_at(instant: datetime | None) -> Clock:
    """Return a clock fixed at `instant`, or the wall's clock for None."""
    return FixedClock(instant) if instant is not None else SystemClock()


def start_of(day: date) -> datetime:
    """Return 00:00 UTC of `day`."""
    return datetime.combine(day, time.min, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Window:
    """The UTC days from `start` (inclusive) to `end` (exclusive)."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a window must hold at least one day: [{self.start}, {self.end})")

    @classmethod
    def of_day(cls, day: date) -> Window:
        """Return the window that holds `day` alone."""
        return cls(day, day + DAY)

    @classmethod
    def between(cls, first: date, last: date) -> Window:
        """Return the window of the days `first` to `last`, both inclusive, as a person says it."""
        return cls(first, last + DAY)

    @property
    def start_at(self) -> datetime:
        """The first instant inside."""
        return start_of(self.start)

    @property
    def end_at(self) -> datetime:
        """The first instant after."""
        return start_of(self.end)

    @property
    def last(self) -> date:
        """The newest day inside."""
        return self.end - DAY

    @property
    def day_count(self) -> int:
        """How many days."""
        return (self.end - self.start).days

    def covers(self, other: Window) -> bool:
        """Tell whether every day of the other window is one of this."""
        return self.start <= other.start and other.end <= self.end

    def look_back(self, days: int) -> Window:
        """Return the window that begins `days` earlier: sources restate their newest days."""
        return Window(self.start - days * DAY, self.end)

    def chunks(self, days: int) -> Iterator[Window]:
        """Yield consecutive windows of at most `days` days, oldest first."""
        start = self.start
        while start < self.end:
            end = min(start + days * DAY, self.end)
            yield Window(start, end)
            start = end

    def __str__(self) -> str:
        return f"{self.start}..{self.last}"


def last_complete_day(clock: Clock) -> date:
    """Return the newest UTC day that is over at the clock's instant."""
    return clock.now().date() - DAY
