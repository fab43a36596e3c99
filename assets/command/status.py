"""How the warehouse is doing: sources, newest day, last run, last publication, failing checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import dagster as dg
import polars as pl
from pydantic import BaseModel, ConfigDict

from assets.command import runs
from assets.partitions import days_of, window_of_run
from pipelines import publishing, sources
from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings
from pipelines.extraction.source import disabled_reason
from pipelines.lake.catalog import newest_day, read_catalog
from pipelines.monitoring import freshness, notifier
from pipelines.validation.report import recorded


class SourceStatus(BaseModel):
    """One source: what it last landed."""

    model_config = ConfigDict(frozen=True)

    name: str
    enabled: bool
    disabled_reason: str | None
    """Why it is not asked at all, such as a missing key."""
    last_landed_at: datetime | None
    """The run's clock at the last complete load."""
    newest_at: datetime | None
    """The newest instant that each of its tables has reached."""
    freshness: str
    """fresh, late, stale or empty: by the days that its rows are about, of its oldest table."""
    late_tables: tuple[str, ...]
    """Its tables that lack a day that is due."""
    rows: int
    files: int


class RunStatus(BaseModel):
    """The last run."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    job: str
    days: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None


class CheckStatus(BaseModel):
    """A check that failed in the last run that recorded any."""

    model_config = ConfigDict(frozen=True)

    mart: str
    name: str
    severity: str
    detail: str


class IncidentStatus(BaseModel):
    """Something that was reported and is not over."""

    model_config = ConfigDict(frozen=True)

    title: str
    since: datetime
    run_id: str | None
    runbook: str


class Status(BaseModel):
    """Everything that `tokenmart status` says."""

    model_config = ConfigDict(frozen=True)

    profile: str
    data_dir: str
    sources: tuple[SourceStatus, ...]
    newest_day: str | None
    """The newest complete day that landed rows are about."""
    last_run: RunStatus | None
    publication: str | None
    published_at: datetime | None
    published_newest_day: str | None
    publications_kept: int
    damaged_publications: tuple[str, ...]
    """What is wrong with those that are not whole any more."""
    published_freshness: str
    """fresh, late, stale or empty: by the days that its numbers are about, of its oldest mart."""
    failing_checks: tuple[CheckStatus, ...]
    open_incidents: tuple[IncidentStatus, ...]


def status(settings: Settings) -> Status:
    """Return the state of the data folder; nothing is changed but an absent instance is made."""
    try:
        manifest = publishing.current(settings)
    except FileDamaged:
        manifest = None  # said among the damaged
    with runs.open_instance(settings) as instance:
        last = next(iter(instance.get_run_records(limit=1)), None)
    day = newest_day(settings)
    published_day = manifest.newest_day if manifest else None
    now = freshness.judged_at(settings)
    return Status(
        profile=settings.profile,
        data_dir=str(settings.data_dir),
        sources=_sources(settings, now),
        newest_day=day.isoformat() if day else None,
        last_run=_run(last) if last else None,
        publication=manifest.version if manifest else None,
        published_at=manifest.published_at if manifest else None,
        published_newest_day=published_day.isoformat() if published_day else None,
        publications_kept=len(publishing.publications(settings)),
        damaged_publications=tuple(map(str, publishing.damaged(settings))),
        published_freshness=freshness.worst(freshness.of_marts(settings, now)),
        failing_checks=_failing(settings, last),
        open_incidents=tuple(
            IncidentStatus(
                title=incident.title,
                since=incident.since,
                run_id=incident.run_id,
                runbook=incident.runbook,
            )
            for incident in notifier.open_incidents(settings)
        ),
    )


def _sources(settings: Settings, now: datetime) -> tuple[SourceStatus, ...]:
    catalog = read_catalog(settings)
    ages = freshness.of_tables(settings, now)
    found = []
    for name in sources.SOURCES:
        files = catalog.filter(catalog["source"] == name)
        reason = disabled_reason(sources.source(name), settings)
        own = [age for age in ages if age.source == name]
        reached = files.group_by("table_name").agg(pl.col("newest_at").max())
        found.append(
            SourceStatus(
                name=name,
                enabled=reason is None,
                disabled_reason=reason,
                last_landed_at=cast("datetime | None", files["fetched_at"].max()),
                newest_at=cast("datetime | None", reached["newest_at"].min()),
                freshness=freshness.worst(own),
                late_tables=tuple(str(age) for age in own if age.status in ("late", "stale")),
                rows=int(files["row_count"].sum()),
                files=files["path"].n_unique(),
            )
        )
    return tuple(found)


def _run(record: dg.RunRecord) -> RunStatus:
    run = record.dagster_run
    window = window_of_run(run)
    return RunStatus(
        run_id=run.run_id,
        job=run.job_name,
        days="none" if window is None else days_of(window),
        state=run.status.value.lower(),
        started_at=_instant(record.start_time),
        ended_at=_instant(record.end_time),
    )


def _instant(timestamp: float | None) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp is not None else None


def _failing(settings: Settings, record: dg.RunRecord | None) -> tuple[CheckStatus, ...]:
    if record is None:
        return ()
    return tuple(
        CheckStatus(
            mart=result.mart,
            name=result.check_name,
            severity=result.severity,
            detail=result.detail,
        )
        for result in recorded(record.dagster_run.run_id, settings)
        if not result.is_passed
    )
