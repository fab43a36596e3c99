"""Partitions: the days of the market. A partition is a UTC day, labelled by its start.

What is landed day by day is partitioned. What every run rebuilds whole, out of all that was landed,
is not: of a mart there is one state, and not one for each day.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from pipelines.core.settings import Settings, SettingsError
from pipelines.core.windows import DAY, Window
from pipelines.sandbox.availability import days_of_dataset, refuse_unavailable_days

# the first day with a market price of any asset (Bitcoin, on its first exchange)
FIRST_DAY = date(2010, 7, 18)

# how Dagster writes the days of a run on it
_DAY = "dagster/partition"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"

# a range of days is one extraction window and one dbt run
SINGLE_RUN = dg.BackfillPolicy.single_run()


def days_of_market(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return the days that can be run: the dataset's; of the live market all that are over."""
    days = days_of_dataset(settings)
    return dg.DailyPartitionsDefinition(
        start_date=(days.start if days else FIRST_DAY).isoformat(),
        end_date=(days.last + DAY).isoformat() if days else None,
        timezone="UTC",
        end_offset=0,
    )


def existing_window(run: dg.DagsterRun, settings: Settings) -> Window | None:
    """Return the days of a run, which exist; None where it is of none.

    Asked by every step, whoever launched it: what does not exist must not be shown as done.

    Raises:
        dg.Failure: the market does not have these days.
    """
    window = window_of_run(run)
    if window is not None:
        try:
            refuse_unavailable_days(settings, window)
        except SettingsError as problem:
            raise dg.Failure(description=str(problem), allow_retries=False) from problem
    return window


def window_of_run(run: dg.DagsterRun) -> Window | None:
    """Return a run's partition or range of them; None: it rebuilds or publishes what is there."""
    first = run.tags.get(_RANGE_START, run.tags.get(_DAY))
    last = run.tags.get(_RANGE_END, first)
    if first is None or last is None:
        return None
    return Window.between(date.fromisoformat(first), date.fromisoformat(last))


def days_of(window: Window) -> str:
    """Return the days as people say them: one day is no range."""
    return str(window) if window.day_count > 1 else str(window.start)


def partition_of(window: Window | None) -> tuple[str | None, dict[str, str]]:
    """Return the partition key and the tags of a single run of these days: one of both has them."""
    if window is None:
        return None, {}
    first, last = window.start.isoformat(), window.last.isoformat()
    return (first, {}) if first == last else (None, {_RANGE_START: first, _RANGE_END: last})
