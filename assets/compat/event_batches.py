"""Event writes in batches, where Dagster's SQLite storage is used and its release was tried.

It replaces: one transaction for each event. A single-run range writes two events for every asset
and day, and Dagster's SQLite storage commits each of them on its own, in two databases: 12 ms an
event, half an hour for three years of a hundred assets. Dagster knows batches (its switch is
`DAGSTER_EVENT_BATCH_SIZE`, off by default), but this storage writes them one by one as well.
Upstream: https://github.com/dagster-io/dagster/issues/19829.

Without it, which is what happens on a release that is not in `TRIED`: Dagster's own instance, with
the same home and the same databases. Another storage in the instance's config (PostgreSQL) is left
as it is, with Dagster's own switch.
"""

import dagster as dg

from assets.compat import is_tried

_INSTANCE = """
# written by assets/compat/event_batches.py
instance_class:
  module: assets.compat.event_log
  class: BatchingInstance
"""


def instance_config() -> str:
    """Return the lines of the instance's config that switch batches on; none if not tried."""
    return _INSTANCE if is_tried("dagster") else ""


def plan_ranges_whole(instance: dg.DagsterInstance) -> None:
    """Let the instance write one planned event for an asset and range, in place of one for a day.

    For runs that are over before anybody looks: no day of it is then shown as begun or failed.
    """
    if is_tried("dagster"):
        from assets.compat.event_log import BatchingSqliteEventLogStorage

        storage = instance.event_log_storage
        if isinstance(storage, BatchingSqliteEventLogStorage):
            storage.plans_ranges_whole = True
