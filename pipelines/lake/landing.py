"""The lake: every row ever fetched, in Parquet, appended by dlt and never changed.

`land` runs one source into it; `write_catalog` lists the files of complete loads, which is all
that readers of the lake may look at: a killed load leaves files, but no line in the catalog.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, partial
from importlib import import_module
from io import BytesIO
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import sources
from pipelines.core.garbage import collect_rarely
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION, FETCHED_AT, QUARANTINE, Table
from pipelines.core.windows import Clock, FixedClock, Window, last_complete_day
from pipelines.extraction import asking as extraction
from pipelines.extraction import candles, drift, universe
from pipelines.extraction.drift import Change
from pipelines.extraction.planning import Plan
from pipelines.extraction.sweep import Rotation
from pipelines.lake.repair import GapRequest

LAYOUT = "{table_name}/load_date={YYYY}-{MM}-{DD}/{load_id}.{file_id}.{ext}"
CATALOG = "catalog.parquet"
COMPACTED = "compacted."
# what the answers of each source look like, and how they have changed
SEEN_FIELDS = "raw/ops/seen_field/{source}.parquet"
SEEN_NAMES = "raw/ops/seen_name/{source}.parquet"
CHANGES = "raw/ops/schema_change/{source}.parquet"
LOAD_ID = "_dlt_load_id"
# of sources that are landed side by side from a server of our own
SANDBOX_THREADS = 4
SHORT_WINDOW_D = 31
_CATALOG_SCHEMA: dict[str, Any] = {
    "source": pl.String,
    "table_name": pl.String,
    "load_id": pl.String,
    "path": pl.String,
    "completed_at": pl.Datetime("us", "UTC"),
    "fetched_at": pl.Datetime("us", "UTC"),
    "row_count": pl.Int64,
    "byte_count": pl.Int64,
    "newest_at": pl.Datetime("us", "UTC"),
    "oldest_at": pl.Datetime("us", "UTC"),
    "sha256": pl.String,
}


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
        throttled: answers that told us to slow down.
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
    newest_at: datetime | None = None
    failures: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    is_enabled: bool = True
    disabled_reason: str | None = None
    changes: tuple[Change, ...] = ()
    duration_s: float = 0.0


class Landing:
    """Sources landed side by side: within one they wait for its pace, and not for one another.

    Threads, because what takes time is other people's servers. In the sandbox it is our own
    processor, so that a few are enough there, and long windows are read and parsed in processes: a
    Python process uses one core. All end with this process: a load that is cut off in its middle
    is one that no catalog lists.
    """

    def __init__(
        self,
        source_names: Sequence[str],
        window: Window,
        settings: Settings,
        clock: Clock,
        run_id: str,
        gap_requests: Sequence[GapRequest] = (),
    ) -> None:
        """Begin, with those that have the most tables: they take longest.

        With gap requests nothing else is asked for.
        """
        self._gap_requests = gap_requests
        self._reports: dict[str, Future[LoadReport]] = {name: Future() for name in source_names}
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        is_live = settings.profile == "live"
        workers = len(source_names) if is_live else min(SANDBOX_THREADS, len(source_names))
        self._is_spread = workers > 1 and start_processes(settings, window)
        longest_first = sorted(source_names, key=lambda name: -len(sources.tables(name)))
        for name in (*longest_first, *(None,) * workers):
            self._waiting.put(name)
        for number in range(workers):
            threading.Thread(
                target=self._work,
                args=(window, settings, clock, run_id),
                name=f"land-{number}",
                daemon=True,
            ).start()

    def report(self, source_name: str) -> LoadReport:
        """Wait for a source; return what its load did, or raise what ended it."""
        return self._reports[source_name].result()

    def cancel(self) -> None:
        """Begin with no further source."""
        for report in self._reports.values():
            report.cancel()

    def _work(self, window: Window, settings: Settings, clock: Clock, run_id: str) -> None:
        while (name := self._waiting.get()) is not None:
            report = self._reports[name]
            if not report.set_running_or_notify_cancel():
                continue
            try:
                report.set_result(self._land(name, window, settings, clock, run_id))
            except BaseException as problem:  # noqa: BLE001  # whoever waits for it gets it
                report.set_exception(problem)

    def _land(
        self, name: str, window: Window, settings: Settings, clock: Clock, run_id: str
    ) -> LoadReport:
        if not self._gap_requests:
            # a day's run looks at days of long ago as well; a range is what somebody asked for
            job = partial(
                land, name, window, settings, clock, run_id, is_sweeping=window.day_count == 1
            )
            return _processes().submit(job).result() if self._is_spread else job()
        reports = [
            land(
                name,
                request.window,
                _restricted(settings, request),
                clock,
                run_id,
                only_table=request.table_name,
                purpose=request.purpose,
            )
            for request in self._gap_requests
            if request.source == name
        ]
        return merged(reports) if reports else LoadReport(name, window)


@cache
def _processes() -> ProcessPoolExecutor:
    """Return this process's helpers: one for each core, started when the first is needed."""
    return ProcessPoolExecutor(
        os.cpu_count() or 1, multiprocessing.get_context("spawn"), initializer=_get_ready
    )


def start_processes(settings: Settings, window: Window) -> bool:
    """Start the processes that read a window, if it is worth it, and tell whether it is.

    A short window is read sooner than a process has started, but not sooner than by one that the
    history was read with. Who calls it early gains the seconds that they take to start.
    """
    if settings.profile == "live":
        return False
    if not _processes.cache_info().currsize:
        if window.day_count <= SHORT_WINDOW_D:
            return False
        for _ in range(os.cpu_count() or 1):
            _processes().submit(_is_ready)
    return True


def _get_ready() -> None:
    import_module("dlt.destinations")
    collect_rarely()


def _is_ready() -> bool:
    """Do nothing: a helper starts with the first thing that it is given to do."""
    return True


def _restricted(settings: Settings, request: GapRequest) -> Settings:
    """Return the settings with the request's series alone, and no look-back."""
    change: dict[str, Any] = {"look_back_d": 0}
    if request.table_name is not None:
        entities, intervals = candles.series_of(request.table_name, request.entities)
        change |= {"entities": tuple(entities), "intervals": tuple(intervals)}
    own = settings.overrides(request.source).model_copy(update=change)
    return settings.model_copy(update={"sources": {**settings.sources, request.source: own}})


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
    if (reason := extraction.disabled_reason(source, settings)) is not None:
        return LoadReport(source_name, asked, is_enabled=False, disabled_reason=reason)
    begin = partial(
        extraction.begin,
        source,
        settings,
        clock,
        run_id,
        universe.codes(settings, source.identity or source_name),
        remembered=lambda table: read_rows(settings, source_name, table),
        list_counts=_list_counts(settings, source_name, clock.now()),
    )
    run = begin(only_table=only_table, purpose=purpose)
    sweep = _sweep(source, begin, settings, asked) if is_sweeping else None
    tally, started = _Tally(source_name), time.monotonic()
    with lock(settings, source_name):
        items = tally.watch(_asked_of(source, run, asked, sweep))
        load_id = _append(source_name, items, run, settings, clock)
        changes = _compare(source_name, run, settings)
    usage = run.usage
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
        newest_at=tally.newest_at,
        failures=tuple(run.failures),
        refusals=tuple(run.refusals),
        changes=changes,
        duration_s=time.monotonic() - started,
    )


def _sweep(
    source: extraction.Source,
    begin: Callable[..., extraction.Extraction],
    settings: Settings,
    asked: Window,
) -> tuple[extraction.Extraction, Window] | None:
    """Return what of the past is read again today, in the way that takes fewer requests.

    None where nothing was landed before the days that are asked for anyway.
    """
    first = oldest_day(settings, source.name)
    if not settings.sweep_period_d or first is None or first >= asked.start:
        return None
    history = Window(first, asked.start)
    rotation = Rotation(asked.last, settings.sweep_period_d)
    ways = [
        (begin(purpose=extraction.SWEEP, rotation=rotation), history),
        (begin(purpose=extraction.SWEEP), rotation.days(history)),
    ]
    return min(ways, key=lambda way: Plan(tuple(source.plan(*way))).request_count)


def _asked_of(
    source: extraction.Source,
    run: extraction.Extraction,
    asked: Window,
    sweep: tuple[extraction.Extraction, Window] | None,
) -> Iterator[extraction.Item]:
    """Ask for the run's own days, then for those of the sweep; one log tells both."""
    yield from extraction.ask(source, run, asked)
    if sweep is not None and not run.has_stopped:
        second, days = sweep
        yield from extraction.ask(source, second, days)
        run.take_in(second)


def _compare(
    source_name: str, run: extraction.Extraction, settings: Settings
) -> tuple[Change, ...]:
    """Hold the answers against those of earlier loads; keep what they look like, and what is new.

    Of a load that was killed before this, nothing is known: the next one finds the same.
    """
    file_system, root = bucket(settings)
    path = f"{root}/{SEEN_FIELDS.format(source=source_name)}"
    known = _read_frame(file_system, path, drift.KNOWN_SCHEMA)
    known, changes = drift.compare(
        known, run.shapes, run.refused, run.fetched_at, unread=run.unread
    )
    if listed := run.listed():
        names_path = f"{root}/{SEEN_NAMES.format(source=source_name)}"
        names = _read_frame(file_system, names_path, drift.KNOWN_NAMES)
        names, gone = drift.compare_names(names, listed, run.fetched_at)
        changes += gone
    if changes:
        lines = [
            {**vars(change), "seen_at": run.fetched_at, "run_id": run.run_id, "told_in": None}
            for change in changes
        ]
        news = f"{root}/{CHANGES.format(source=source_name)}"
        before = _read_frame(file_system, news, drift.CHANGE_SCHEMA)
        _replace(file_system, news, pl.concat([before, pl.DataFrame(lines, drift.CHANGE_SCHEMA)]))
    if listed:
        _replace(file_system, names_path, names)
    _replace(file_system, path, known)
    return changes


def reported_changes(settings: Settings, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return, by raw table (source.table), the changes that no earlier run has told.

    Grain: one entry per table whose answers were ever looked at. The run is noted as the one that
    told them: asked again it gets the same, and another one gets what came since.
    """
    file_system, root = bucket(settings)
    found: dict[str, list[dict[str, Any]]] = {}
    for source_name in sources.SOURCES:
        with lock(settings, source_name):
            path = f"{root}/{SEEN_FIELDS.format(source=source_name)}"
            for name in _read_frame(file_system, path, drift.KNOWN_SCHEMA)["table_name"].unique():
                found[f"{source_name}.{name}"] = []
            path = f"{root}/{CHANGES.format(source=source_name)}"
            changes = _read_frame(file_system, path, drift.CHANGE_SCHEMA).with_columns(
                pl.col("told_in").fill_null(run_id)
            )
            for change in changes.filter(pl.col("told_in") == run_id).to_dicts():
                found.setdefault(f"{source_name}.{change['table_name']}", []).append(change)
            if changes.height:
                _replace(file_system, path, changes)
    return dict(sorted(found.items()))


@contextmanager
def lock(settings: Settings, what: str) -> Iterator[None]:
    """Wait until no other run is at the same thing; of a run that was killed nothing stays.

    Two runs that ask one host at a time would both be too fast for it.
    """
    from filelock import FileLock

    folder = settings.data_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{what}.lock"):
        yield


class _Tally:
    """Counts what passes on its way to the lake."""

    def __init__(self, source_name: str) -> None:
        self.rows: dict[str, int] = {}
        self.quarantined = 0
        self.newest_at: datetime | None = None
        self._time_columns = {
            table.name: table.time_column for table in sources.tables(source_name)
        }

    def watch(self, items: Iterable[extraction.Item]) -> Iterator[extraction.Item]:
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


def _append(
    source_name: str,
    items: Iterable[extraction.Item],
    run: extraction.Extraction,
    settings: Settings,
    clock: Clock,
) -> str:
    import dlt
    from dlt.common.pendulum import pendulum
    from dlt.destinations import filesystem

    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    dlt.config["data_writer.buffer_max_items"] = 100_000
    dlt.config["runtime.dlthub_telemetry"] = False

    def marked() -> Iterator[Any]:
        for table_name, rows in items:
            yield dlt.mark.with_table_name(rows, table_name)
        yield dlt.mark.with_table_name(run.log(), EXTRACTION.name)

    @dlt.source(name=source_name, max_table_nesting=0)  # type: ignore[untyped-decorator]
    def tables() -> Any:
        return dlt.resource(marked(), name=source_name)

    # dlt's folder holds nothing that the lake does not: windows come from the caller, so there is
    # no cursor, and a folder of its own lets any number of runs go on at the same time
    folder = settings.dlt_dir / f"{source_name}-{uuid.uuid4().hex}"
    _prepare(settings, source_name)
    try:
        pipeline = dlt.pipeline(
            source_name,
            destination=filesystem(
                bucket_url=f"{settings.lake_dir}/raw",
                layout=LAYOUT,
                current_datetime=lambda: pendulum.instance(clock.now()),
            ),
            dataset_name=source_name,
            pipelines_dir=str(folder),
        )
        info = pipeline.run(
            tables(),
            loader_file_format="parquet",
            schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    info.raise_on_failed_jobs()
    return str(info.loads_ids[0])


def _prepare(settings: Settings, source_name: str) -> None:
    """Make the source's folder of a lake on disk before dlt looks for it.

    dlt makes the folder and then writes its version file there. Of two first loads at the same time
    one would fail, and so would every later one after a load that was killed between the two steps.
    """
    import fsspec
    from dlt.destinations.impl.filesystem.filesystem import CURRENT_VERSION, INIT_FILE_NAME

    file_system, root = fsspec.core.url_to_fs(settings.lake_dir)
    if "file" not in file_system.protocol:
        return
    target = Path(root) / "raw" / source_name / INIT_FILE_NAME
    if not target.exists():
        versions = {"initial_version": CURRENT_VERSION, "current_version": CURRENT_VERSION}
        _replace_file(target, json.dumps(versions).encode())


def write_catalog(settings: Settings) -> pl.DataFrame:
    """List the files of complete loads in `catalog.parquet` and return the list.

    Grain: one row per file. Columns: source, table_name, load_id, path (below the lake),
    completed_at (when dlt finished the load), fetched_at (the run's clock), row_count, byte_count,
    newest_at and oldest_at (the newest and oldest instant that a row is about; NULL in a list),
    sha256 (of the file). A compacted file has a row for each load in it.
    """
    with lock(settings, CATALOG):
        return _write_catalog(settings)


def _write_catalog(settings: Settings) -> pl.DataFrame:
    file_system, root = bucket(settings)
    known: dict[str, list[dict[str, Any]]] = {}
    for line in _read_catalog(file_system, root):
        known.setdefault(line["path"], []).append(line)
    completed = _complete_loads(
        file_system, root, (line for lines in known.values() for line in lines)
    )
    lines: list[dict[str, Any]] = []
    merged: set[tuple[str, str, str]] = set()
    found = sorted(file_system.find(f"{root}/raw", detail=True).items())
    # what was compacted is read there, and no more in the files that it was made of
    for path, detail in sorted(found, key=lambda item: not is_compacted(item[0])):
        below = PurePosixPath(path).relative_to(root)
        # raw/<source>/<table>/load_date=…/<load_id>.<file_id>.parquet
        if below.suffix != ".parquet" or len(below.parts) != 5:
            continue
        _, source, table_name, _, file_name = below.parts
        load_id = ".".join(file_name.split(".")[:2])
        if not is_compacted(path) and (
            (source, load_id) not in completed or (source, table_name, load_id) in merged
        ):
            continue
        told = known.get(str(below), [])
        if any(_is_outdated(line) for line in told) or not told:
            about = _time_column(source, table_name)
            told = _inspect(file_system, path, None if is_compacted(path) else load_id, about)
        for line in told:
            of_load = source, line["load_id"]
            if is_compacted(path):
                merged.add((source, table_name, line["load_id"]))
            lines.append(
                {
                    **line,
                    "source": source,
                    "table_name": table_name,
                    "path": str(below),
                    "completed_at": completed.get(of_load) or line["fetched_at"],
                    "byte_count": int(detail["size"]),
                }
            )
    lines.sort(key=lambda line: (line["path"], line["load_id"]))
    catalog = pl.DataFrame(lines, schema=_CATALOG_SCHEMA)
    _replace(file_system, f"{root}/{CATALOG}", catalog)
    return catalog


def _is_outdated(line: dict[str, Any]) -> bool:
    """Tell whether an earlier version wrote the line, which did not know what is told now."""
    return line["sha256"] is None or (line["newest_at"] is not None and line["oldest_at"] is None)


def bucket(settings: Settings) -> tuple[Any, str]:
    """Return the lake's file system and its root there."""
    import fsspec

    file_system, root = fsspec.core.url_to_fs(settings.lake_dir)
    return file_system, str(root)


def is_compacted(path: str) -> bool:
    """Tell whether a file was made of others (see `upkeep`)."""
    return PurePosixPath(path).name.startswith(COMPACTED)


def read_catalog(settings: Settings) -> pl.DataFrame:
    """Return the list that `write_catalog` last wrote; empty where there is none."""
    return pl.DataFrame(_read_catalog(*bucket(settings)), schema=_CATALOG_SCHEMA)


def oldest_fetch(settings: Settings) -> datetime | None:
    """Return the run's clock of the oldest landed rows; None for an empty lake."""
    oldest: Any = read_catalog(settings)["fetched_at"].min()
    return cast("datetime | None", oldest)


def newest_fetch(settings: Settings) -> datetime | None:
    """Return the run's clock of the newest landed rows; None for an empty lake."""
    newest: Any = read_catalog(settings)["fetched_at"].max()
    return cast("datetime | None", newest)


def newest_day(settings: Settings) -> date | None:
    """Return the newest complete day that landed rows are about; None where there is none.

    By the lake alone: a copy that came without its catalog gets one.
    """
    file_system, root = bucket(settings)
    catalog = read_catalog(settings)
    if catalog.is_empty() and file_system.exists(f"{root}/raw"):
        catalog = write_catalog(settings)
    told = catalog.filter(pl.col("newest_at").is_not_null())
    if told.is_empty():
        return None
    newest = cast("datetime", told["newest_at"].max())
    # labels and settlements at a day's end bear the next day's date, which was not over yet
    over = max(last_complete_day(FixedClock(instant)) for instant in told["fetched_at"].unique())
    return min(newest.date(), over)


def oldest_day(settings: Settings, source_name: str) -> date | None:
    """Return the oldest day that landed rows of a source are about; None where there is none."""
    of_source = read_catalog(settings).filter(pl.col("source") == source_name)
    oldest = cast("datetime | None", of_source["oldest_at"].min())
    return oldest.date() if oldest is not None else None


def _list_counts(settings: Settings, source_name: str, now: datetime) -> dict[str, int]:
    """Return how many rows each whole list of the source had in its newest load by then."""
    lists = [table.name for table in sources.tables(source_name) if table.is_snapshot]
    loads = (
        read_catalog(settings)
        .filter(
            pl.col("source") == source_name,
            pl.col("table_name").is_in(lists),
            pl.col("fetched_at") <= now,
        )
        .group_by("table_name", "fetched_at", "load_id")
        .agg(pl.col("row_count").sum())
        .sort("fetched_at", "load_id")
        .unique("table_name", keep="last", maintain_order=True)
    )
    return dict(zip(loads["table_name"], loads["row_count"], strict=True))


def read_rows(settings: Settings, source: str, table: Table) -> pl.DataFrame:
    """Return the rows of a raw table that complete loads have landed; none without a catalog.

    Grain: one row per observation, so a fact that was asked for twice is in it twice. Meant for
    small tables: lists of files, not candles.
    """
    file_system, root = bucket(settings)
    parts = [pl.DataFrame(pl.from_arrow(table.arrow_schema().empty_table()))]
    paths = {
        line["path"]
        for line in _read_catalog(file_system, root)
        if (line["source"], line["table_name"]) == (source, table.name)
    }
    for path in sorted(paths):
        with file_system.open(f"{root}/{path}", "rb") as file:
            rows = pl.read_parquet(file.read())
        # a file of before a column was declared has nulls there
        parts.append(rows.select(name for name in parts[0].columns if name in rows.columns))
    return pl.concat(parts, how="diagonal")


def _read_catalog(file_system: Any, root: str) -> list[dict[str, Any]]:
    path = f"{root}/{CATALOG}"
    if not file_system.exists(path):
        return []
    with file_system.open(path, "rb") as file:
        lines = pl.read_parquet(file.read())
    # what an earlier version did not write is null: a file without its hash is read again
    return pl.concat([pl.DataFrame(schema=_CATALOG_SCHEMA), lines], how="diagonal").to_dicts()


def _complete_loads(
    file_system: Any, root: str, known: Iterable[dict[str, Any]]
) -> dict[tuple[str, str], datetime]:
    completed = {(line["source"], line["load_id"]): line["completed_at"] for line in known}
    for path in file_system.glob(f"{root}/raw/*/_dlt_loads/*.jsonl"):
        # raw/<source>/_dlt_loads/<schema>__<load_id>.jsonl
        source = PurePosixPath(path).parts[-3]
        if (source, PurePosixPath(path).stem.rpartition("__")[2]) in completed:
            continue
        with file_system.open(path, "rb") as file:
            lines = file.read().splitlines()
        for line in lines:
            try:
                load = json.loads(line)
            except ValueError:
                continue  # dlt is writing it at this moment, or was killed: not complete
            if load["status"] == 0:
                instant = datetime.fromisoformat(load["inserted_at"]).astimezone(UTC)
                completed[source, load["load_id"]] = instant
    return completed


def _time_column(source: str, table_name: str) -> str | None:
    """Return the column that says when the rows of a raw table are about, if one does."""
    tables = sources.tables(source) if source in sources.SOURCES else ()
    return next((table.time_column for table in tables if table.name == table_name), None)


def _inspect(
    file_system: Any, path: str, load_id: str | None, time_column: str | None
) -> list[dict[str, Any]]:
    """Return a file's lines: one, of the load that it is named after, or one for each in it."""
    with file_system.open(path, "rb") as file:
        content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    parquet = pq.ParquetFile(BytesIO(content))
    told = {"load_id": LOAD_ID, "fetched_at": FETCHED_AT.name, "newest_at": time_column or ""}
    there = [column for column in told.values() if column in parquet.schema_arrow.names]
    rows = pl.DataFrame(pl.from_arrow(parquet.read(columns=there))).select(
        (pl.col(column) if column in there else pl.lit(None)).alias(name)
        for name, column in told.items()
    )
    about = pl.col("newest_at")
    newest = [pl.col("fetched_at").max(), about.max(), about.min().alias("oldest_at")]
    if load_id is None:
        loads = rows.group_by("load_id").agg(*newest, row_count=pl.len()).sort("load_id").to_dicts()
    else:
        of_load = rows.select(*newest).row(0, named=True)
        loads = [{**of_load, "load_id": load_id, "row_count": parquet.metadata.num_rows}]
    return [{**line, "sha256": sha256} for line in loads]


def _read_frame(file_system: Any, path: str, schema: dict[str, Any]) -> pl.DataFrame:
    if not file_system.exists(path):
        return pl.DataFrame(schema=schema)
    with file_system.open(path, "rb") as file:
        return pl.read_parquet(file.read()).select(list(schema))


def _replace(file_system: Any, path: str, frame: pl.DataFrame) -> None:
    buffer = BytesIO()
    frame.write_parquet(buffer)
    put(file_system, path, buffer.getvalue())


def put(file_system: Any, path: str, content: bytes) -> None:
    """Write a file as a whole: whoever reads it has the one before or this one."""
    if "file" in file_system.protocol:
        _replace_file(Path(path), content)
    else:
        file_system.pipe_file(path, content)


def _replace_file(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)  # there only if it could not take its place
