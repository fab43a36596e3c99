"""Files or pages: what takes fewer requests, counted before the first is sent. Pure.

A month of candles is one file (and its checksum), whatever their length; a page holds 1000 candles.
So five years of a pair are 120 requests by file, and by page 2 for daily candles, 44 for hourly,
526 for 5 minutes, 2,630 for minutes: files pay from 15 minutes downwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from pipelines.core.settings import Bulk
from pipelines.core.windows import DAY, Window
from pipelines.extraction.candles import count
from pipelines.sources.binance.settings import FILE_REQUESTS, PAGE_ROWS


@dataclass(frozen=True)
class File:
    """One file of the dump.

    Attributes:
        folder: `monthly` or `daily`.
        period: what its name says: 2023-01, 2023-01-05.
        window: the days that it holds.
    """

    folder: str
    period: str
    window: Window


@dataclass(frozen=True)
class Plan:
    """How a window is asked for.

    Attributes:
        files: files to read, oldest first.
        pages: windows to ask for page by page, oldest first.
        request_count: requests that it takes at the most if every file is there.
        page_request_count: requests that pages alone would take.
    """

    files: tuple[File, ...]
    pages: tuple[Window, ...]
    request_count: int
    page_request_count: int


def page_requests(windows: Iterable[Window], interval: str) -> int:
    """Return how many requests the windows take page by page."""
    return sum(ceil(count(window, interval) / PAGE_ROWS) for window in windows)


def choose(window: Window, interval: str, today: date, bulk: Bulk) -> Plan:
    """Return the way that takes the fewest requests, or the one that the user insists on.

    Args:
        window: the closed days wanted.
        interval: length of the candles.
        today: the clock's day; tells which files are out.
        bulk: the user's word.
    """
    by_page = page_requests([window], interval)
    paged = Plan((), (window,), by_page, by_page)
    if bulk == "never":
        return paged
    files: list[File] = []
    rest: list[Window] = []
    for month, wanted in _months(window):
        chosen = _cheapest(month, wanted, interval, today, bulk)
        files += chosen
        rest += without(wanted, [file.window for file in chosen])
    pages = merged(rest)
    # one more: where the pair's history begins, so that no file of before it is asked for
    requests = FILE_REQUESTS * len(files) + page_requests(pages, interval) + 1
    if not files or (bulk == "auto" and requests >= by_page):
        return paged
    return Plan(tuple(files), tuple(pages), requests, by_page)


def most_requests(plan: Plan, interval: str) -> int:
    """Return how many requests a plan takes at the most: pages, too, for every file missing."""
    return plan.request_count + page_requests([file.window for file in plan.files], interval)


def _cheapest(
    month: Window, wanted: Window, interval: str, today: date, bulk: Bulk
) -> Sequence[File]:
    if today > _first_monday(month.end):
        candidates = [File("monthly", f"{month.start:%Y-%m}", month)]
    else:
        days = (Window.of_day(wanted.start + number * DAY) for number in range(wanted.day_count))
        # a day's file comes on the next day, some time
        candidates = [
            File("daily", day.start.isoformat(), day) for day in days if day.end + DAY <= today
        ]
    if bulk == "always":
        return candidates
    by_page = count(wanted, interval) / PAGE_ROWS
    by_file = FILE_REQUESTS * len(candidates)
    return candidates if by_file < by_page else ()


def _months(window: Window) -> Iterable[tuple[Window, Window]]:
    """Yield each month that the window touches, and the part of it that is wanted."""
    start = window.start.replace(day=1)
    while start < window.end:
        end = (start + 31 * DAY).replace(day=1)
        yield Window(start, end), Window(max(start, window.start), min(end, window.end))
        start = end


def _first_monday(month: date) -> date:
    return month + ((7 - month.weekday()) % 7) * DAY


def without(window: Window, covered: Sequence[Window]) -> list[Window]:
    """Return what is left of the window outside the covered ones."""
    left: list[Window] = []
    start = window.start
    for part in sorted(covered):
        if part.start > start:
            left.append(Window(start, min(part.start, window.end)))
        start = max(start, part.end)
    if start < window.end:
        left.append(Window(start, window.end))
    return left


def merged(windows: Iterable[Window]) -> list[Window]:
    """Return the windows oldest first, those that touch as one."""
    joined: list[Window] = []
    for window in sorted(windows):
        if joined and window.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, window.end))
        else:
            joined.append(window)
    return joined
