"""A slow second look at what was landed long ago: sources restate days that no look-back reaches.

Every daily run reads a part of the past again, so that within a period all of it was. There are two
ways to cut the past into parts, and what is asked for in one request decides which is cheaper: some
series with all of their days (a venue's page holds years), or all series for some days (a block
range holds all tokens). Which part is whose turn follows from the day alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import ceil, sqrt
from zlib import crc32

from pipelines.core.windows import DAY, Window


@dataclass(frozen=True)
class Rotation:
    """Whose turn it is on a day.

    Attributes:
        today: the run's day.
        period_d: days within which everything is read again.
    """

    today: date
    period_d: int

    @property
    def number(self) -> int:
        """Which part of the period the day is."""
        return self.today.toordinal() % self.period_d

    def is_due(self, series: str) -> bool:
        """Tell whether it is the series' turn: each has one in the period, the same in each."""
        return crc32(series.encode()) % self.period_d == self.number

    def most(self, series: int) -> int:
        """Return how many of so many series it is the turn of, at the most: chance spreads them."""
        mean = series / self.period_d
        return min(series, ceil(mean + 5 * sqrt(mean)) + 5)

    def days(self, history: Window) -> Window:
        """Return the part of a history that ends today, or a constant while before, to read again.

        The history grows from day to day, and the parts with it: each begins a day early, so that
        no day falls between two turns.
        """
        first = history.day_count * self.number // self.period_d
        end = history.day_count * (self.number + 1) // self.period_d
        start = max(0, first - 1)
        return Window(history.start + start * DAY, history.start + max(end, start + 1) * DAY)
