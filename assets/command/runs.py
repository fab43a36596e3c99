"""Runs a job here and now, without a daemon, in the instance that the UI shows."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from assets import automation, checks, ingestion, keys, publication, transformation
from assets.compat.event_batches import instance_config, plan_ranges_whole
from assets.dbt_project import is_parsed, parse
from assets.definitions import build_defs
from assets.resources import Progress
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.lake.catalog import read_catalog
from pipelines.validation.report import blocking, recorded

_CONFIG = Path(__file__).with_name("dagster.yaml")
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_PROCESS = "tokenmart/process"
_TITLES = {
    automation.DAILY_JOB: "Day",
    automation.BACKFILL_JOB: "Backfill",
    automation.HISTORY_JOB: "History, once",
    automation.REBUILD_JOB: "Rebuild",
    automation.PUBLISH_JOB: "Publication",
    automation.REPAIR_JOB: "Repair",
}
# Dagster's UI attributes a run to the code location by this tag
_REPOSITORY = {".dagster/repository": "__repository__@tokenmart"}
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


Instance = dg.DagsterInstance


@dataclass(frozen=True)
class Trouble:
    """One stage of a run that failed.

    Attributes:
        stage: the stage, for people.
        reason: why, for people.
    """

    stage: str
    reason: str


class RunFailed(Exception):
    """A run did not do what it was to do; `troubles` says what and why."""

    def __init__(self, run_id: str, troubles: tuple[Trouble, ...]) -> None:
        self.run_id = run_id
        self.troubles = troubles
        super().__init__("; ".join(f"{trouble.stage}: {trouble.reason}" for trouble in troubles))


@dataclass(frozen=True)
class Outcome:
    """A run that did what it was to do.

    Attributes:
        run_id: Dagster's id of the run.
        job: the job.
        window: the days.
        assets: how many assets were materialised.
    """

    run_id: str
    job: str
    window: Window
    assets: int


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance in the settings' home; make the home, and install the shipped config."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    installed = home / _CONFIG.name
    config = _CONFIG.read_text(encoding="utf-8") + instance_config()
    if not installed.exists() or installed.read_text(encoding="utf-8") != config:
        installed.write_text(config, encoding="utf-8")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def execute(
    instance: dg.DagsterInstance,
    job: str,
    window: Window,
    settings: Settings,
    progress: Progress,
    *,
    config: Mapping[str, Any] | None = None,
    only_sources: Collection[str] | None = None,
) -> Outcome:
    """Run a job for a day, or for a range of days in a single run.

    Args:
        instance: where the run is recorded.
        job: the job's name.
        window: the days.
        settings: the run's settings; its clock is theirs.
        progress: is told how far the run is.
        config: config of single ops, by op name.
        only_sources: leave the other sources' raw tables out of the run.

    Raises:
        RunFailed: a stage failed, or an asset that was selected was not materialised.
    """
    _fail_orphaned_runs(instance)
    progress.heading(f"{_TITLES.get(job, job)}: {window}")
    if not is_parsed():
        progress.begin("Parse the dbt project")
        parse(settings)
        progress.end("done")
    job_def = build_defs(settings=settings, progress=progress).resolve_job_def(job)
    ranged = window.day_count > 1
    tags = {**_REPOSITORY, _PROCESS: f"{socket.gethostname()}:{os.getpid()}"}
    if ranged:
        tags |= {_RANGE_START: window.start.isoformat(), _RANGE_END: window.last.isoformat()}
        # the run is over before this returns: nobody waits for single days of it
        plan_ranges_whole(instance)
    ops = {name: {"config": value} for name, value in (config or {}).items()}
    selected = job_def.asset_layer.selected_asset_keys
    if only_sources is not None:
        selected = {
            key for key in selected if key.path[0] != keys.RAW or key.path[1] in only_sources
        }
    result = job_def.execute_in_process(
        run_config={**_QUIET, "ops": ops} if ops else _QUIET,
        instance=instance,
        partition_key=None if ranged else window.start.isoformat(),
        raise_on_error=False,
        tags=tags,
        asset_selection=None if only_sources is None else list(selected),
    )
    if not result.success:
        raise RunFailed(result.run_id, _troubles(result, settings))
    done = {event.asset_key for event in result.get_asset_materialization_events()}
    missing = sorted(key.to_user_string() for key in set(selected) - done)
    if missing:
        # Dagster may skip an asset and call the run a success: a publication would then be old
        raise RunFailed(
            result.run_id, (Trouble("materialisation", f"skipped: {', '.join(missing)}"),)
        )
    return Outcome(result.run_id, job, window, len(done))


def first_gap(instance: dg.DagsterInstance, settings: Settings, window: Window) -> date | None:
    """Return the first day of the window that some source has not landed; None if there is none."""
    if read_catalog(settings).is_empty():
        return window.start
    wanted = [day.isoformat() for day in _days(window)]
    missing: set[str] = set()
    for source in sources.SOURCES:
        for table in sources.tables(source):
            landed = instance.get_materialized_partitions(keys.raw(source, table.name))
            missing |= set(wanted) - landed
    return date.fromisoformat(min(missing)) if missing else None


def _days(window: Window) -> Iterator[date]:
    return (chunk.start for chunk in window.chunks(1))


def _troubles(result: dg.ExecuteInProcessResult, settings: Settings) -> tuple[Trouble, ...]:
    """Return what failed first; what was skipped because of it is no news."""
    found = [
        Trouble(_stage(event.step_key or ""), _reason(event, result.run_id, settings))
        for event in result.all_events
        if event.is_step_failure
    ]
    if not found:
        found = [
            Trouble("run", event.message or "no message")
            for event in result.all_events
            if event.is_failure
        ]
    return tuple(found)


def _stage(step: str) -> str:
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


def _fail_orphaned_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs failed whose process is gone, and free their places in the pools.

    With a daemon Dagster does so itself; a killed command line has none, and its successor would
    wait for ever.
    """
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(running):
        host, _, pid = run.tags.get(_PROCESS, "").rpartition(":")
        if host == socket.gethostname() and not _is_alive(int(pid)):
            instance.report_run_failed(run, message="the process that ran this is gone")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
