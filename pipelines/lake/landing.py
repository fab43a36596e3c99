"""Landing a source: what it answers for a window is appended to the lake, and reported."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import sources
from pipelines.core import tracing
from pipelines.core.logs import about
from pipelines.core.settings import Settings
from pipelines.core.tables import QUARANTINE
from pipelines.core.windows import Clock, Window
from pipelines.extraction import universe
from pipelines.extraction.drift import Change
from pipelines.extraction.planning import Plan
from pipelines.extraction.run import SWEEP, Extraction, Item
from pipelines.extraction.source import Source, begin_extraction, disabled_reason, extract
from pipelines.extraction.sweep import Rotation
from pipelines.lake.catalog import list_counts, oldest_day, read_rows
from pipelines.lake.loading import append
from pipelines.lake.schema_changes import compare
from pipelines.lake.storage import lock

LOG = logging.getLogger("tokenmart.landing")


@dataclass(frozen=True)
class LoadReport:
    """What one source's load did.

    Attributes:
        source: the source.
        window: the days asked for, look-back included.
        load_id: dlt's id of the load; None where nothing was landed.
        rows: rows landed for each raw table.
        quarantined: rows refused.
        requests: requests sent, retries included.
        bound: requests that were planned before the first was sent, at the most.
        planned: the same, once the source's own lists were read.
        retries: requests sent again.
        throttled: answers that asked us to slow down.
        throttled_s: seconds of waiting for the budget, and before requests were sent again.
        bytes: of the answers' bodies.
        newest_at: newest instant that the landed rows describe.
        failures: what makes the run an error, for people.
        refusals: entities that the source refused, for people.
        is_enabled: False where the source is not asked at all.
        disabled_reason: why it is not, for people.
        changes: how the answers differ from those of earlier loads, and what was refused.
        duration_s: seconds that it took, the wait for another run's load included.
    """

    source: str
    window: Window
    load_id: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    requests: int = 0
    bound: int = 0
    planned: int = 0
    retries: int = 0
    throttled: int = 0
    throttled_s: float = 0.0
    bytes: int = 0
    newest_at: datetime | None = None
    failures: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    is_enabled: bool = True
    disabled_reason: str | None = None
    changes: tuple[Change, ...] = ()
    duration_s: float = 0.0


def merged(reports: Sequence[LoadReport]) -> LoadReport:
    """Return what several loads of one source did together."""
    rows: Counter[str] = Counter()
    for report in reports:
        rows.update(report.rows)
    newest = [report.newest_at for report in reports if report.newest_at is not None]
    return LoadReport(
        source=reports[0].source,
        window=Window(
            min(report.window.start for report in reports),
            max(report.window.end for report in reports),
        ),
        load_id=reports[-1].load_id,
        rows=dict(rows),
        quarantined=sum(report.quarantined for report in reports),
        requests=sum(report.requests for report in reports),
        bound=sum(report.bound for report in reports),
        planned=sum(report.planned for report in reports),
        retries=sum(report.retries for report in reports),
        throttled=sum(report.throttled for report in reports),
        throttled_s=sum(report.throttled_s for report in reports),
        bytes=sum(report.bytes for report in reports),
        newest_at=max(newest, default=None),
        failures=tuple(problem for report in reports for problem in report.failures),
        refusals=tuple(problem for report in reports for problem in report.refusals),
        is_enabled=all(report.is_enabled for report in reports),
        disabled_reason=reports[0].disabled_reason,
        changes=tuple(change for report in reports for change in report.changes),
        duration_s=sum(report.duration_s for report in reports),
    )


def land(
    source_name: str,
    window: Window,
    settings: Settings,
    clock: Clock,
    run_id: str,
    *,
    only_table: str | None = None,
    purpose: str = "run",
    is_sweeping: bool = False,
) -> LoadReport:
    """Ask a source for a window and append what it answers to the lake.

    What came before a failure is landed; the failure is in the report.

    Args:
        source_name: one of `sources.SOURCES`.
        window: the days wanted; the source's look-back is added, the clock's open day cut off.
        settings: profile, lake, overrides.
        clock: stamps `fetched_at`, and decides which candles are closed.
        run_id: the run's id, kept in the log rows.
        only_table: the one raw table to ask for, beside the lists that its series stand in.
        purpose: why it is asked, for the log.
        is_sweeping: read a part of what was landed before the window again, too.

    Raises:
        SettingsError: the profile lacks what it needs.
        UniverseError: the curated identities cannot be read.
    """
    source = sources.source(source_name)
    overrides = settings.overrides(source_name)
    look_back = source.look_back_d if overrides.look_back_d is None else overrides.look_back_d
    asked = window.look_back(look_back)
    if (reason := disabled_reason(source, settings)) is not None:
        return LoadReport(source_name, asked, is_enabled=False, disabled_reason=reason)
    begin = partial(
        begin_extraction,
        source,
        settings,
        clock,
        run_id,
        universe.codes(settings, source.identity or source_name),
        remembered=lambda table: read_rows(settings, source_name, table),
        list_counts=list_counts(settings, source_name, clock.now()),
    )
    run = begin(only_table=only_table, purpose=purpose)
    sweep = _sweep(source, begin, settings, asked) if is_sweeping else None
    tally, started = _Tally(source_name), time.monotonic()
    with (
        lock(settings, source_name),
        about(run=run_id, source=source_name, window=str(asked)),
        tracing.span("source", run_id, source=source_name, window=str(asked)) as span,
    ):
        items = tally.watch(_asked_of(source, run, asked, sweep))
        load_id = append(source_name, items, run, settings, clock)
        changes = compare(source_name, run, settings)
        usage = run.usage
        span.note(rows=sum(tally.rows.values()), load_id=load_id, **asdict(usage))
        if run.failures:
            span.fail("; ".join(run.failures))
        LOG.info(
            "%d rows landed, %d requests, %d failures",
            sum(tally.rows.values()), usage.request_count, len(run.failures),
            extra={"load_id": load_id} if load_id else {},
        )  # fmt: skip
    return LoadReport(
        source=source_name,
        window=asked,
        load_id=load_id,
        rows=tally.rows,
        quarantined=tally.quarantined,
        requests=usage.request_count,
        bound=run.bound.request_count,
        planned=run.plan.request_count,
        retries=usage.retry_count,
        throttled=usage.throttle_count,
        throttled_s=usage.throttled_s,
        bytes=usage.byte_count,
        newest_at=tally.newest_at,
        failures=tuple(run.failures),
        refusals=tuple(run.refusals),
        changes=changes,
        duration_s=time.monotonic() - started,
    )


def _sweep(
    source: Source,
    begin: Callable[..., Extraction],
    settings: Settings,
    asked: Window,
) -> tuple[Extraction, Window] | None:
    """Return what of the past is read again today, in the way that takes fewer requests.

    None where nothing was landed before the days that are asked for anyway.
    """
    first = oldest_day(settings, source.name)
    if not settings.sweep_period_d or first is None or first >= asked.start:
        return None
    history = Window(first, asked.start)
    rotation = Rotation(asked.last, settings.sweep_period_d)
    ways = [
        (begin(purpose=SWEEP, rotation=rotation), history),
        (begin(purpose=SWEEP), rotation.days(history)),
    ]
    return min(ways, key=lambda way: Plan(tuple(source.plan(*way))).request_count)


def _asked_of(
    source: Source,
    run: Extraction,
    asked: Window,
    sweep: tuple[Extraction, Window] | None,
) -> Iterator[Item]:
    """Ask for the run's own days, then for those of the sweep; one log tells both."""
    yield from extract(source, run, asked)
    if sweep is not None and not run.has_stopped:
        second, days = sweep
        yield from extract(source, second, days)
        run.take_in(second)


class _Tally:
    """Counts what passes on its way to the lake."""

    def __init__(self, source_name: str) -> None:
        self.rows: dict[str, int] = {}
        self.quarantined = 0
        self.newest_at: datetime | None = None
        self._time_columns = {
            table.name: table.time_column for table in sources.tables(source_name)
        }

    def watch(self, items: Iterable[Item]) -> Iterator[Item]:
        for table_name, rows in items:
            if table_name == QUARANTINE.name:
                self.quarantined += rows.num_rows
            else:
                self.rows[table_name] = self.rows.get(table_name, 0) + rows.num_rows
                self._look_at(table_name, rows)
            yield table_name, rows

    def _look_at(self, table_name: str, rows: pa.Table) -> None:
        column = self._time_columns[table_name]
        if column is None:
            return
        newest = pc.max(rows[column]).as_py()
        if self.newest_at is None or newest > self.newest_at:
            self.newest_at = newest
