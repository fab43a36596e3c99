"""Ingestion: one op that lands the sources side by side, one asset for each raw table."""

import traceback
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import dagster as dg

from assets import columns, keys
from assets.partitions import SINGLE_RUN, existing_window, window_of_run
from assets.resources import Progress
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION, QUARANTINE, Table
from pipelines.core.windows import Clock, Window
from pipelines.lake.catalog import write_catalog
from pipelines.lake.landing import LoadReport
from pipelines.lake.parallel import land_side_by_side
from pipelines.lake.repair import GapRequest

OP_NAME = "extract"
SCHEMA_CHECK = "answers_look_as_before"
# what is noted of a source's load
ROWS = "dagster/row_count"
SECONDS = "seconds that the source took"
REQUESTS = "requests"
RETRIES = "requests sent again"
THROTTLED = "answers 'slow down'"
THROTTLED_SECONDS = "seconds of waiting for the budget and before requests sent again"
BYTES = "bytes of the answers"
_LOAD_ID = "load id"
_FAILURES = "failures"
# runs of a job that are looked through for one of the same days that was cut off
_RUNS_BACK = 20


class ExtractConfig(dg.Config):
    """What the sources are asked for; a daily run needs none of it."""

    gap_requests: list[dict[str, Any]] | None = None
    """Nothing but these days of these series, as `repair` plans them."""


def ingestion_assets(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """Return the raw tables of every source, landed by days."""
    specs = [_spec(source, table) for source in sources.SOURCES for table in sources.tables(source)]

    @dg.multi_asset(
        name=OP_NAME,
        description="Asks the sources for the run's days, side by side, and appends what they "
        "answer to the lake.",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                SCHEMA_CHECK,
                asset=spec.key,
                description="Fields, types and words of the answers are those of earlier loads, "
                "and no row was refused.",
            )
            for spec in specs
        ],
        partitions_def=days,
        backfill_policy=SINGLE_RUN,
        pool=keys.EXTRACTION_POOL,
        # by source: of one that is selected all tables are landed, whichever of them are
        can_subset=True,
    )
    def extract(
        context: dg.AssetExecutionContext,
        config: ExtractConfig,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        window = existing_window(context.run, settings)
        if window is None:
            raise dg.Failure("the run has no day to ask the sources for", allow_retries=False)
        selected = {key.path[1] for key in context.selected_asset_keys}
        names = [name for name in sources.SOURCES if name in selected]
        gap_requests = [GapRequest.from_config(request) for request in config.gap_requests or ()]
        before: dict[str, str] = {}
        if gap_requests:
            context.log.info(f"nothing else is asked for than {gap_requests}")
        else:
            before = _landed_before(context.instance, context.run, window, settings)
        reports: list[LoadReport] = []
        failures: dict[str, str] = {}
        progress.begin("Extract", len(names))
        for name in (name for name in names if name in before):
            context.log.info(
                f"{name}: landed by an earlier run of these days (load {before[name]})"
            )
            progress.advance(name, "landed before the run of these days was cut off")
            yield from _events(
                context, LoadReport(name, window, load_id=before[name]), window.day_count
            )
        names = [name for name in names if name not in before]
        landings = land_side_by_side(names, window, settings, clock, context.run_id, gap_requests)
        with closing(landings):
            for name, landing in landings:
                if (error := landing.exception()) is not None:
                    context.log.error("".join(traceback.format_exception(error)))
                    failures[name] = _cause(error)
                    progress.advance(name, f"failed: {failures[name]}")
                    continue
                report = landing.result()
                reports.append(report)
                _log(context, report)
                context.log_event(_observation(report))
                progress.advance(name, _summary(report))
                if report.failures:
                    failures[name] = "; ".join(report.failures)
                else:
                    yield from _events(context, report, window.day_count)
        if failures:
            raise dg.Failure(
                description="\n".join(f"{name}: {failures[name]}" for name in sorted(failures)),
                metadata={"landed all the same": {r.source: r.rows for r in reports if r.failures}},
                # the client has already tried again as often as the settings allow
                allow_retries=False,
            )
        asked = [report for report in reports if report.is_enabled]
        taken_up = f", {len(before)} landed before" if before else ""
        progress.end(
            f"{sum(sum(report.rows.values()) for report in asked):,} rows of {len(asked)} sources "
            f"in {sum(report.requests for report in asked):,} requests, "
            f"{len(reports) - len(asked)} sources off{taken_up}"
        )

    return extract


def log_specs() -> list[dg.AssetSpec]:
    """Return what each load writes beside its tables: the log of its requests, the refused rows.

    They are in the graph for their lineage alone. As materialised assets they would add two events
    for each source and day of a range, and tell nothing that the tables' events do not.
    """
    return [
        _spec(source, table) for source in sources.SOURCES for table in (EXTRACTION, QUARANTINE)
    ]


def observed_loads(
    instance: dg.DagsterInstance, run_id: str
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Yield what a run has noted of each source's load: the source, when, and the figures."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION):
        observed = entry.asset_observation
        if observed is None or observed.asset_key.path[0] != keys.RAW:
            continue
        if observed.asset_key.path[-1] == EXTRACTION.name:
            noted = {name: value.value for name, value in observed.metadata.items()}
            yield observed.asset_key.path[1], entry.timestamp, noted


def _landed_before(
    instance: dg.DagsterInstance, run: dg.DagsterRun, window: Window, settings: Settings
) -> dict[str, str]:
    """Return which sources need not be asked, because the run of a range goes on: by source, load.

    A range whose last run did not end well is taken up: what that one has landed whole, and the
    catalog of the lake lists, is there. A single day is asked for again, as sources tell it now.
    """
    if window.day_count == 1:
        return {}
    earlier = _cut_off(instance, run, window)
    if not earlier:
        return {}
    listed = set(write_catalog(settings)["load_id"])
    return {
        source: noted[_LOAD_ID]
        for run_id in earlier
        for source, _, noted in observed_loads(instance, run_id)
        # an earlier release did not note whether all went well
        if noted.get(_FAILURES) == 0 and noted.get(_LOAD_ID) in listed
    }


def _cut_off(instance: dg.DagsterInstance, run: dg.DagsterRun, window: Window) -> list[str]:
    """Return the ids of the job's runs of the same days since the last that ended well."""
    found = []
    for earlier in instance.get_runs(dg.RunsFilter(job_name=run.job_name), limit=_RUNS_BACK):
        days = window_of_run(earlier)
        if earlier.run_id == run.run_id or days is None or not days.covers(window):
            continue
        if earlier.is_success:
            break
        if earlier.is_finished:
            found.append(earlier.run_id)
    return found


def _spec(source: str, table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=keys.raw(source, table.name),
        description=table.description,
        group_name=keys.source_group(source),
        owners=keys.OWNERS,
        tags=keys.layer(keys.RAW),
        kinds={"python", "dlt", "parquet"},
        metadata=columns.of_raw_table(source, table.name),
    )


def _observation(report: LoadReport) -> dg.AssetObservation:
    """Return what a source's load did, once, whatever the days: it is over at this instant."""
    measures = _metadata(report, sum(report.rows.values()), 1)
    measures[_FAILURES] = len(report.failures)
    return dg.AssetObservation(keys.raw(report.source, EXTRACTION.name), metadata=measures)


def _events(
    context: dg.AssetExecutionContext, report: LoadReport, days: int
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    """Yield what a source's load made of each of its tables, and whether they look as before."""
    checks = {check.asset_key for check in context.selected_asset_check_keys}
    for table in sources.tables(report.source):
        key = keys.raw(report.source, table.name)
        metadata = _metadata(report, report.rows.get(table.name, 0), days)
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        else:
            for day in context.partition_keys:
                context.log_event(dg.AssetMaterialization(key, metadata=metadata, partition=day))
        if key in checks:
            yield _schema_check(key, report)


def _schema_check(key: dg.AssetKey, report: LoadReport) -> dg.AssetCheckResult:
    changes = [change for change in report.changes if change.table_name == key.path[-1]]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=SCHEMA_CHECK,
        passed=not changes,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, changes)),
    )


def _metadata(report: LoadReport, rows: int, days: int) -> dict[str, Any]:
    """Return what Dagster keeps with a materialisation.

    It keeps it once for each day: of a range only the load's id, under which `ops_load_log` has
    the rest, or three years of a source would be a hundred megabytes of the same figures.
    """
    if days > 1:
        return {_LOAD_ID: report.load_id or "none"}
    measures: dict[str, Any] = {
        ROWS: rows,
        "asked for": str(report.window),
        SECONDS: report.duration_s,
        REQUESTS: report.requests,
        "requests planned before the first": report.bound,
        "requests planned with the source's lists": report.planned,
        RETRIES: report.retries,
        THROTTLED: report.throttled,
        THROTTLED_SECONDS: report.throttled_s,
        BYTES: report.bytes,
        "quarantined rows": report.quarantined,
        "enabled": report.is_enabled,
    }
    if report.load_id is not None:
        measures[_LOAD_ID] = report.load_id
    if report.newest_at is not None:
        measures["newest data"] = dg.MetadataValue.timestamp(report.newest_at)
    return measures


def _log(context: dg.AssetExecutionContext, report: LoadReport) -> None:
    """Say in the step's log what a source's load did, and what was odd about it."""
    context.log.info(f"{report.source}, {report.window}: {_summary(report)}")
    for refusal in report.refusals:
        context.log.warning(f"{report.source} refused: {refusal}")
    for change in report.changes:
        context.log.warning(f"{report.source}.{change.table_name}: {change}")


def _summary(report: LoadReport) -> str:
    if not report.is_enabled:
        return f"off: {report.disabled_reason}"
    rows = sum(report.rows.values())
    text = f"{rows:,} rows in {report.requests:,} of {report.planned:,} planned requests"
    if report.quarantined:
        text += f", {report.quarantined:,} quarantined"
    if report.failures:
        text += f", failed: {report.failures[0]}"
    return f"{text} ({report.duration_s:.1f} s)"


def _cause(problem: BaseException) -> str:
    """Return what an unforeseen error began with."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return f"{type(problem).__name__}: {problem}"
