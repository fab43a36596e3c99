"""Ingestion: one op for each source, one asset for each raw table that it lands."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import dagster as dg

from assets import keys
from assets.partitions import DAILY, SINGLE_RUN, window_of
from assets.resources import Landings, Progress
from pipelines import sources
from pipelines.core.settings import Settings, SettingsError
from pipelines.core.tables import EXTRACTION, QUARANTINE, Table
from pipelines.core.windows import Clock
from pipelines.lake import parallel
from pipelines.lake.landing import LoadReport
from pipelines.lake.repair import GapRequest
from pipelines.sandbox.availability import refuse_unavailable_days

SCHEMA_CHECK = "answers_look_as_before"


class LandConfig(dg.Config):
    """What of a source is asked for; a daily run needs none of it."""

    gap_requests: list[dict[str, Any]] | None = None
    """Nothing but these days of these series, as `repair` plans them."""


def op_name(source: str) -> str:
    """Return the name of the op that lands a source."""
    return f"land_{source}"


def ingestion_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of every source."""
    return [_build(source) for source in sources.SOURCES]


def log_specs() -> list[dg.AssetSpec]:
    """Return what each load writes beside its tables: the log of the asking, the refused rows.

    They are in the graph for their lineage alone. As materialised assets they would add two events
    for each source and day of a range, and tell nothing that the tables' events do not.
    """
    return [
        _spec(source, table) for source in sources.SOURCES for table in (EXTRACTION, QUARANTINE)
    ]


def _build(source: str) -> dg.AssetsDefinition:
    landed = sources.tables(source)
    specs = [_spec(source, table) for table in landed]

    @dg.multi_asset(
        name=op_name(source),
        description=f"Asks {source} for the run's days and appends what it answers to the lake.",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                SCHEMA_CHECK,
                asset=keys.raw(source, table.name),
                description="Fields, types and words of the answers are those of earlier loads, "
                "and no row was refused.",
            )
            for table in landed
        ],
        partitions_def=DAILY,
        backfill_policy=SINGLE_RUN,
        pool=keys.source_pool(source),
    )
    def land(
        context: dg.AssetExecutionContext,
        config: LandConfig,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
        landings: dg.ResourceParam[Landings],
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        window = window_of(context)
        try:
            refuse_unavailable_days(settings, window)
        except SettingsError as problem:
            raise dg.Failure(description=str(problem), allow_retries=False) from problem
        progress.begin(f"Extract {source}")
        landing = landings.of_run(
            lambda: parallel.Landing(
                _beside(context), window, settings, clock, context.run_id, _gap_requests(context)
            )
        )
        report = landing.report(source)
        progress.end(_summary(report), report.duration_s)
        context.log.info(f"{source}, {report.window}: {_summary(report)}")
        for refusal in report.refusals:
            context.log.warning(f"{source} refused: {refusal}")
        for change in report.changes:
            context.log.warning(f"{source}.{change.table_name}: {change}")
        if report.failures:
            raise dg.Failure(
                description=f"{source} could not be extracted: {'; '.join(report.failures)}",
                metadata={"landed all the same": report.rows, **_measures(report)},
                # the client has already tried again as often as the settings allow
                allow_retries=False,
            )
        if config.gap_requests:
            context.log.info(f"nothing else was asked for than {config.gap_requests}")
        for spec in specs:
            rows = report.rows.get(spec.key.path[-1], 0)
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata=_metadata(report, rows, window.day_count)
            )
        for table in landed:
            yield _schema_check(source, table, report)

    return land


def _beside(context: dg.AssetExecutionContext) -> list[str]:
    """Return the sources that this process lands in this run: all begin with the first op.

    The ops themselves come one after the other. Each waits for its source and tells how it went,
    so that one that fails is a failed op and the others are not.
    """
    steps = set(context.get_step_execution_context().execution_plan.step_keys_to_execute)
    return [source for source in sources.SOURCES if op_name(source) in steps]


def _gap_requests(context: dg.AssetExecutionContext) -> list[GapRequest]:
    """Return what the run wants of all its sources, if it wants but some days."""
    ops: Mapping[str, Any] = cast("dict[str, Any]", context.run.run_config).get("ops", {})
    return [
        GapRequest.from_config(source, request)
        for source in sources.SOURCES
        for request in ops.get(op_name(source), {}).get("config", {}).get("gap_requests") or []
    ]


def _spec(source: str, table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=keys.raw(source, table.name),
        description=table.description,
        group_name=source,
        owners=keys.OWNERS,
        kinds={"python", "dlt", "parquet"},
    )


def _schema_check(source: str, table: Table, report: LoadReport) -> dg.AssetCheckResult:
    changes = [change for change in report.changes if change.table_name == table.name]
    return dg.AssetCheckResult(
        asset_key=keys.raw(source, table.name),
        check_name=SCHEMA_CHECK,
        passed=not changes,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(str(change) for change in changes),
    )


def _metadata(report: LoadReport, rows: int, days: int) -> dict[str, Any]:
    """Return what Dagster keeps with a materialisation.

    It keeps it once for each day: of a range only the load's id, under which `ops_load_log` has
    the rest, or three years of a source would be a hundred megabytes of the same figures.
    """
    if days > 1:
        return {"load id": report.load_id or "none"}
    return {"dagster/row_count": rows, **_measures(report)}


def _measures(report: LoadReport) -> dict[str, Any]:
    measures: dict[str, Any] = {
        "asked for": str(report.window),
        "requests": report.requests,
        "requests planned before the first": report.bound,
        "requests planned with the source's lists": report.planned,
        "requests sent again": report.retries,
        "answers 'slow down'": report.throttled,
        "quarantined rows": report.quarantined,
        "enabled": report.is_enabled,
    }
    if report.load_id is not None:
        measures["load id"] = report.load_id
    if report.newest_at is not None:
        measures["newest data"] = dg.MetadataValue.timestamp(report.newest_at)
    return measures


def _summary(report: LoadReport) -> str:
    if not report.is_enabled:
        return report.disabled_reason or "switched off"
    rows = sum(report.rows.values())
    text = f"{rows:,} rows in {report.requests:,} of {report.planned:,} planned requests"
    if report.quarantined:
        text += f", {report.quarantined:,} quarantined"
    if report.failures:
        text += f", failed: {report.failures[0]}"
    return text
