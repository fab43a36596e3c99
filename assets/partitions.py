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

# a range of days is one extraction window and one dbt run
SINGLE_RUN = dg.BackfillPolicy.single_run()


def window_of(context: dg.AssetExecutionContext) -> Window:
    """Return the days of the run: its partition, or the whole range of a single-run backfill."""
    span = context.partition_time_window
    return Window(span.start.date(), span.end.date())


def window_of_check(context: dg.AssetCheckExecutionContext) -> Window:
    """Return the days of the run that a check belongs to; checks themselves have no partitions."""
    run = context.run
    first = run.tags.get("dagster/asset_partition_range_start", run.tags.get("dagster/partition"))
    last = run.tags.get("dagster/asset_partition_range_end", first)
    if first is None or last is None:
        raise dg.Failure(
            "the run has no day: launch the gate for a partition, as its jobs do",
            allow_retries=False,
        )
    return Window.between(date.fromisoformat(first), date.fromisoformat(last))
