"""What failed in a run, for people: the same in the terminal and in a notification."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from assets import checks, ingestion, publication, transformation
from pipelines.core.settings import Settings
from pipelines.validation.report import blocking, recorded


@dataclass(frozen=True)
class Trouble:
    """One stage of a run that failed.

    Attributes:
        stage: the stage, for people.
        reason: why, for people.
    """

    stage: str
    reason: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.reason}"


def troubles(
    events: Iterable[dg.DagsterEvent], run_id: str, settings: Settings
) -> tuple[Trouble, ...]:
    """Return what failed first; what was skipped because of it is no news."""
    events = tuple(events)
    found = [
        Trouble(stage_of(event.step_key or ""), _reason(event, run_id, settings))
        for event in events
        if event.is_step_failure
    ]
    if not found:
        found = [
            Trouble("run", event.message or "no message") for event in events if event.is_failure
        ]
    return tuple(found)


def stage_of(step: str) -> str:
    """Return a step of a run as people call it."""
    stages: dict[str, str] = {
        ingestion.OP_NAME: "extraction",
        transformation.OP_NAME: "building the warehouse",
        checks.OP_NAME: "the gate",
        publication.OP_NAME: "publishing",
    }
    return stages.get(step, step)


def _reason(event: dg.DagsterEvent, run_id: str, settings: Settings) -> str:
    if event.step_key == checks.OP_NAME:
        failed = blocking(recorded(run_id, settings))
        if failed:
            return "\n".join(str(result) for result in failed)
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{error.cls_name}: {error.message.strip()}" if error else "no message"
