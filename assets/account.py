"""What a run did and when, from what Dagster keeps of it: for time lines and for metrics."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from assets import ingestion
from assets.failures import stage_of
from assets.partitions import days_of, window_of_run


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes:
        name: the step, as people call it.
        start: seconds since 1970.
        end: the same; of a step that was cut off: the run's end.
    """

    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True)
class SourceLoad(Stage):
    """What one source's load did, beside others in the extraction."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    throttled_s: float = 0.0
    bytes: int = 0
    rows: int = 0


@dataclass(frozen=True)
class RunAccount:
    """One run.

    Attributes:
        run_id: Dagster's id of it.
        job: the job.
        days: the days it was of.
        state: how it stands.
        start: seconds since 1970.
        end: the same.
        stages: its steps in order.
        sources: the loads of its extraction, in the order in which they began.
    """

    run_id: str
    job: str
    days: str
    state: str
    start: float
    end: float
    stages: tuple[Stage, ...]
    sources: tuple[SourceLoad, ...]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


def account_of(instance: dg.DagsterInstance, run_id: str) -> RunAccount | None:
    """Return what a run that has begun did; None: there is no such run, or it has not begun."""
    record = instance.get_run_record_by_id(run_id)
    if record is None or record.start_time is None:
        return None
    run, window = record.dagster_run, window_of_run(record.dagster_run)
    steps = [step for step in instance.get_run_step_stats(run_id) if step.start_time is not None]
    end = record.end_time or max((step.end_time or 0 for step in steps), default=record.start_time)
    end = max(end, record.start_time)
    stages = (
        Stage(stage_of(step.step_key), step.start_time or 0.0, step.end_time or end)
        for step in steps
    )
    return RunAccount(
        run_id=run_id,
        job=run.job_name,
        days="" if window is None else days_of(window),
        state=run.status.value.lower(),
        start=record.start_time,
        end=end,
        stages=tuple(sorted(stages, key=lambda stage: stage.start)),
        sources=_sources(instance, run_id),
    )


def newest_run(instance: dg.DagsterInstance, beginning: str = "") -> str | None:
    """Return the id of the newest run whose id begins so."""
    found = (run.run_id for run in instance.get_runs() if run.run_id.startswith(beginning))
    return next(found, None)


def _sources(instance: dg.DagsterInstance, run_id: str) -> tuple[SourceLoad, ...]:
    found = (
        SourceLoad(
            name=source,
            start=at - noted[ingestion.SECONDS],
            end=at,
            requests=noted[ingestion.REQUESTS],
            retries=noted[ingestion.RETRIES],
            throttled=noted[ingestion.THROTTLED],
            throttled_s=noted.get(ingestion.THROTTLED_SECONDS, 0.0),
            bytes=noted[ingestion.BYTES],
            rows=noted[ingestion.ROWS],
        )
        for source, at, noted in ingestion.observed_loads(instance, run_id)
        if noted["enabled"]
    )
    return tuple(sorted(found, key=lambda load: load.start))
