"""What the market of the settings has: its sources and its days.

Decided here for every process: the command line, Dagster's webserver, daemon and code server read
the same settings and get the same answer.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import Window, clock_at, last_complete_day

if TYPE_CHECKING:
    from pipelines.sandbox.dataset import Dataset


def with_available_sources(settings: Settings) -> Settings:
    """Return the settings with the sources as the sandbox's dataset has them.

    Those that it says nothing about are off, and venues are asked for the candles that it has: its
    hours, unless the settings name other lengths.

    Raises:
        DatasetError: the dataset's folder has no readable `dataset.json`.
    """
    found = _dataset(settings)
    if found is None:
        return settings
    from pipelines.sources import SOURCES, source

    changes: dict[str, dict[str, Any]] = {
        name: {"enabled": False, "off_because": f"the dataset {found.name} has nothing of it"}
        for name in set(SOURCES) - set(found.sources)
        if settings.overrides(name).enabled
    }
    for venue, intervals in found.intraday.items():
        if (
            venue in found.sources
            and source(venue).intervals
            and not settings.overrides(venue).intervals
        ):
            changes[venue] = {"intervals": intervals}
    changed = {
        name: settings.overrides(name).model_copy(update=change) for name, change in changes.items()
    }
    return settings.model_copy(update={"sources": settings.sources | changed})


def refuse_unavailable_days(settings: Settings, window: Window) -> None:
    """Refuse days that are not over, and days that the dataset does not have.

    Raises:
        SettingsError: some day of the window cannot be had; says which ones can.
    """
    found = _dataset(settings)
    if found is not None:
        if window.start < found.start or window.last > found.end:
            raise SettingsError(
                f"the dataset {found.name} has the days {found.start} to {found.end}, "
                f"not all of {window}"
            )
        return
    newest = last_complete_day(clock_at(settings.now))
    if window.last > newest:
        raise SettingsError(f"{window.last} is not over yet: the newest complete day is {newest}")


def days_of_dataset(settings: Settings) -> Window | None:
    """Return the days that the market has; None where it has no end: the live one.

    Raises:
        DatasetError: the dataset's folder has no readable `dataset.json`.
    """
    found = _dataset(settings)
    return None if found is None else Window.between(found.start, found.end)


def within_available_days(settings: Settings, window: Window) -> Window:
    """Return the days of the window that the market has; a gap may begin before its first one.

    Raises:
        SettingsError: it has none of them.
    """
    found = _dataset(settings)
    if found is None:
        return window
    first, last = max(window.start, found.start), min(window.last, found.end)
    if first > last:
        raise SettingsError(
            f"the dataset {found.name} has the days {found.start} to {found.end}, none of {window}"
        )
    return Window.between(first, last)


def _dataset(settings: Settings) -> Dataset | None:
    if settings.profile == "live" or settings.dataset is None:
        return None
    return _described(settings.dataset)


@lru_cache(maxsize=4)
def _described(folder: Path) -> Dataset:
    from pipelines.sandbox.dataset import describe

    return describe(folder)
