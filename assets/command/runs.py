"""Runs a job here and now, without a daemon, in the instance that the UI shows."""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from sqlalchemy.exc import DatabaseError

from assets import automation, keys, notification
from assets.command import interruption
from assets.compat.event_batches import instance_config, plan_ranges_whole
from assets.dbt_project import is_parsed, parse
from assets.definitions import build_defs
from assets.failures import Trouble, troubles
from assets.metrics import write_metrics
from assets.partitions import partition_of
from assets.resources import Progress
from assets.timeline import note_time_line
from pipelines import sources
from pipelines.core import tracing
from pipelines.core.files import naming, replace_file
from pipelines.core.logs import about
from pipelines.core.settings import Settings, SettingsError, lent_environment
from pipelines.core.windows import Window
from pipelines.lake.catalog import read_catalog

LOG = logging.getLogger("tokenmart.runs")
_POSTGRES_VARIABLE = "TOKENMART_POSTGRES_URL"
_CONFIG = Path(__file__).with_name("dagster.yaml")
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


class InstanceUnusable(Exception):
    """Dagster cannot read or write what it remembers of runs; the message says why."""


class RunFailed(Exception):
    """A run did not do what it was to do; `troubles` says what and why."""

    def __init__(self, run_id: str, troubles: tuple[Trouble, ...]) -> None:
        self.run_id = run_id
        self.troubles = troubles
        super().__init__("; ".join(map(str, troubles)))


@dataclass(frozen=True)
class Outcome:
    """A run that did what it was to do.

    Attributes:
        run_id: Dagster's id of the run.
        job: the job.
        window: the days; None: the job is of none.
        assets: how many assets were materialised.
    """

    run_id: str
    job: str
    window: Window | None
    assets: int


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance in the settings' home; make the home, and install the shipped config.

    Raises:
        FileDamaged: one of its databases cannot be read.
        InstanceUnusable: the databases cannot be reached, or used.
        SettingsError: its databases are in PostgreSQL, and the library for that is not installed.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    installed = home / _CONFIG.name
    config = _CONFIG.read_text(encoding="utf-8") + _storage_config(settings)
    if not installed.exists() or installed.read_text(encoding="utf-8") != config:
        replace_file(installed, config.encode())
    where = f"in {home}" if settings.postgres_url is None else "of TOKENMART_POSTGRES_URL"
    try:
        with (
            lent_environment(_postgres_variable(settings)),
            dg.DagsterInstance.from_config(str(home)) as instance,
        ):
            yield instance
    except _database_errors(settings) as problem:
        _name_damaged(home)
        why = (problem.__cause__ or problem).args[0]
        raise InstanceUnusable(f"the databases {where} cannot be used now: {why}") from problem


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Return the variables by which Dagster's processes find the instance and its databases."""
    return {"DAGSTER_HOME": str(settings.dagster_home), **_postgres_variable(settings)}


def _postgres_variable(settings: Settings) -> dict[str, str]:
    """Return the variable that the instance's config names, where it is not in the environment."""
    if settings.postgres_url is None:
        return {}
    url = settings.postgres_url.get_secret_value()
    # SQLAlchemy takes another driver by default than the one that Dagster brings along
    return {_POSTGRES_VARIABLE: re.sub("^postgres(ql)?://", "postgresql+psycopg2://", url)}


def _database_errors(settings: Settings) -> tuple[type[Exception], ...]:
    errors: tuple[type[Exception], ...] = (DatabaseError, sqlite3.DatabaseError)
    if settings.postgres_url is not None:
        from dagster_postgres.utils import DagsterPostgresException

        errors += (DagsterPostgresException,)
    return errors


def _storage_config(settings: Settings) -> str:
    """Return the lines of the instance's config that say where its databases are.

    In PostgreSQL they are Dagster's own. Its address has a password: the file names the variable.
    """
    if settings.postgres_url is None:
        return instance_config()
    if find_spec("dagster_postgres") is None:
        raise SettingsError(
            "TOKENMART_POSTGRES_URL is set, and dagster-postgres is not installed: "
            "docs/deployment.md says how to install it"
        )
    return f"\nstorage:\n  postgres:\n    postgres_url: {{env: {_POSTGRES_VARIABLE}}}\n"


def _name_damaged(home: Path) -> None:
    """Read Dagster's databases to their end.

    Raises:
        FileDamaged: one of them cannot be read.
    """
    for path in sorted(home.rglob("*.db")):
        with naming(
            path,
            "what Dagster remembers of runs",
            f"The lake and the publications are whole. Move {home} away (mv {home} "
            f"{home}.damaged) and run again: a new instance begins, which remembers no run.",
            sqlite3.DatabaseError,
        ), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:  # fmt: skip
            (said,) = database.execute("pragma quick_check(1)").fetchone()
            if said != "ok":
                raise sqlite3.DatabaseError(said)


def execute(
    instance: dg.DagsterInstance,
    job: str,
    window: Window | None,
    settings: Settings,
    progress: Progress,
    *,
    config: Mapping[str, Any] | None = None,
    only_sources: Collection[str] | None = None,
) -> Outcome:
    """Run a job: for a day, for a range of days in a single run, or for no days.

    Args:
        instance: where the run is recorded.
        job: the job's name.
        window: the days; None where the job rebuilds or publishes what is there.
        settings: the run's settings; its clock is theirs.
        progress: is given how far the run is.
        config: config of single ops, by op name.
        only_sources: leave the other sources' raw tables out of the run.

    Raises:
        RunFailed: a stage failed, or an asset that was selected was not materialised.
    """
    for run_id in _fail_orphaned_runs(instance):
        notification.report_run(instance, run_id, settings)
    title = _TITLES.get(job, job)
    progress.heading(f"{title}: {window}" if window else title)
    if not is_parsed():
        progress.begin("Parse the dbt project")
        parse(settings)
        progress.end("done")
    job_def = build_defs(settings=settings, progress=progress).resolve_job_def(job)
    partition_key, days = partition_of(window)
    if days:
        # the run is over before this returns: nobody waits for single days of it
        plan_ranges_whole(instance)
    ops = {name: {"config": value} for name, value in (config or {}).items()}
    selected = automation.selected_assets(job_def, only_sources)
    run_id = str(uuid4())
    execute_job = partial(
        job_def.execute_in_process,
        run_config={**_QUIET, "ops": ops} if ops else _QUIET,
        instance=instance,
        partition_key=partition_key,
        raise_on_error=False,
        run_id=run_id,
        tags={**_REPOSITORY, keys.PROCESS: f"{socket.gethostname()}:{os.getpid()}", **days},
        asset_selection=None if only_sources is None else list(selected),
    )
    days_asked = {"window": str(window)} if window else {}
    # in the main thread Dagster takes the signals for itself, and answers when a step is over
    with (
        interruption.before_the_end(partial(_cancel, instance, run_id)),
        ThreadPoolExecutor(1, "run") as thread,
        about(run=run_id, **days_asked),
        tracing.run(run_id, job=job, **days_asked) as span,
    ):
        LOG.info("%s begins", job)
        result = thread.submit(copy_context().run, execute_job).result()
        LOG.info("%s ends: %s", job, "success" if result.success else "failure")
        if not result.success:
            span.fail(f"{job} failed")
    notification.report_run(instance, result.run_id, settings)
    write_metrics(instance, result.run_id, settings)
    note_time_line(instance, result.run_id)
    if not result.success:
        raise RunFailed(result.run_id, troubles(result.all_events, result.run_id, settings))
    done = {event.asset_key for event in result.get_asset_materialization_events()}
    missing = sorted(key.to_user_string() for key in set(selected) - done)
    if missing:
        # Dagster may skip an asset and call the run a success: a publication would then be old
        raise RunFailed(
            result.run_id, (Trouble("materialisation", f"skipped: {', '.join(missing)}"),)
        )
    return Outcome(result.run_id, job, window, len(done))


def _cancel(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note that a run was stopped on purpose: it is no failure that somebody is to hear of."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, message="the command was interrupted")
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)


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


def _fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs failed whose process is gone, free their places in the pools, and name the runs.

    With a daemon Dagster does so itself; a killed command line has none, and its successor would
    wait for ever.
    """
    gone = []
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(running):
        host, _, pid = run.tags.get(keys.PROCESS, "").rpartition(":")
        if host == socket.gethostname() and not _is_alive(int(pid)):
            instance.report_run_failed(run, message="the process that ran this is gone")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            gone.append(run.run_id)
    return gone


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
