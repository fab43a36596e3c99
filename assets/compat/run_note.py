"""A note with metadata on a run that is over.

It replaces nothing: what Dagster's own method for that takes has no public name. On a release that
is not in `TRIED` runs have no such notes.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets.compat import is_tried


def note_on_run(
    instance: dg.DagsterInstance,
    run_id: str,
    message: str,
    metadata: Mapping[str, dg.MetadataValue],
) -> None:
    """Add an event to a run: a message, and what is shown beside it.

    Args:
        instance: where the run is recorded.
        run_id: the run.
        message: what it says.
        metadata: what is shown with it, by label.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or not is_tried("dagster"):
        return
    from dagster._core.events import EngineEventData

    instance.report_engine_event(message, run, EngineEventData(dict(metadata)))
