"""Partitions: one definition for everything. A partition is a UTC day, labelled by its start."""

from __future__ import annotations

from datetime import date

import dagster as dg

from pipelines.core.windows import Window

# the first day with a market price of any asset (Bitcoin, on its first exchange); one start for all
# assets, because a single-run backfill over two definitions falls apart into chunks
FIRST_DAY = date(2010, 7, 18)

# end_offset 0: a day can be run once it is over
DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), timezone="UTC", end_offset=0)

# how Dagster writes the days of a run on it
_DAY = "dagster/partition"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"

# a range of days is one extraction window and one dbt run
SINGLE_RUN = dg.BackfillPolicy.single_run()


def window_of(context: dg.AssetExecutionContext) -> Window:
    """Return the days of the run: its partition, or the whole range of a single-run backfill."""
    span = context.partition_time_window
    return Window(span.start.date(), span.end.date())


def window_of_check(context: dg.AssetCheckExecutionContext) -> Window:
    """Return the days of the run that a check belongs to; checks themselves have no partitions."""
    window = window_of_run(context.run)
    if window is None:
        raise dg.Failure(
            "the run has no day: launch the gate for a partition, as its jobs do",
            allow_retries=False,
        )
    return window


def window_of_run(run: dg.DagsterRun) -> Window | None:
    """Return the days that a run is of; None where it is of none."""
    first = run.tags.get(_RANGE_START, run.tags.get(_DAY))
    last = run.tags.get(_RANGE_END, first)
    if first is None or last is None:
        return None
    return Window.between(date.fromisoformat(first), date.fromisoformat(last))


def days_of(window: Window) -> str:
    """Return the days as people say them: one day is no range."""
    return str(window) if window.day_count > 1 else str(window.start)


def partition_of(window: Window) -> tuple[str | None, dict[str, str]]:
    """Return the partition key and the tags of a single run of these days: one of both has them."""
    first, last = window.start.isoformat(), window.last.isoformat()
    return (first, {}) if first == last else (None, {_RANGE_START: first, _RANGE_END: last})
