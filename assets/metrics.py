"""What a run did as Prometheus metrics, in a text file for node_exporter's textfile collector."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path

import dagster as dg

from assets.account import RunAccount, account_of
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, start_of
from pipelines.monitoring import freshness
from pipelines.validation.report import CheckResult, recorded

_LOG = logging.getLogger("tokenmart.metrics")


def write_metrics(instance: dg.DagsterInstance, run_id: str, settings: Settings) -> None:
    """Write what a run did to the settings' file, if they name one."""
    if settings.metrics_file is None:
        return
    try:
        account = account_of(instance, run_id)
        if account is not None:
            now = freshness.judged_at(settings)
            ages = _ages(freshness.of_tables(settings, now), now)
            _write(settings.metrics_file, account, recorded(run_id, settings), ages)
    except Exception:  # noqa: BLE001  # a file that cannot be written must not end a run that went well
        _LOG.exception("the metrics of run %s could not be written", run_id)


def _ages(found: Iterable[freshness.Freshness], now: datetime) -> dict[str, float]:
    """Return by source the seconds since the end of the newest day that all its tables have."""
    newest: dict[str, date] = {}
    for table in found:
        if table.newest_day is not None:
            newest[table.source] = min(table.newest_day, newest.get(table.source, table.newest_day))
    return {source: (now - start_of(day + DAY)).total_seconds() for source, day in newest.items()}


def _write(
    path: Path, run: RunAccount, checks: Iterable[CheckResult], ages: Mapping[str, float]
) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()

    def gauge(name: str, text: str, label: str, values: Mapping[str, float]) -> None:
        made = Gauge(f"tokenmart_{name}", text, [label], registry=registry)
        for key, value in values.items():
            made.labels(key).set(value)

    gauge("run_success", "1: the last run did what it was to do.", "job",
          {run.job: float(run.state == "success")})  # fmt: skip
    gauge("run_end_timestamp_seconds", "When the last run ended.", "job", {run.job: run.end})
    gauge("run_duration_seconds", "How long the last run took.", "job", {run.job: run.seconds})
    gauge("stage_duration_seconds", "How long its stages took.", "stage",
          {stage.name: stage.seconds for stage in run.stages})  # fmt: skip
    for name, text, values in (
        ("requests", "Requests sent, retries included.", {s.name: s.requests for s in run.sources}),
        ("retries", "Requests sent again.", {s.name: s.retries for s in run.sources}),
        ("throttled_answers", "Answers 429 or 418.", {s.name: s.throttled for s in run.sources}),
        (
            "throttled_seconds",
            "Seconds of waiting for its budget, and before requests sent again.",
            {s.name: s.throttled_s for s in run.sources},
        ),
        ("rows", "Rows landed.", {s.name: s.rows for s in run.sources}),
        ("received_bytes", "Bytes of the answers.", {s.name: s.bytes for s in run.sources}),
        ("duration_seconds", "How long its load took.", {s.name: s.seconds for s in run.sources}),
    ):
        gauge(f"source_{name}", text, "source", values)
    failed = dict.fromkeys(("block", "warn"), 0)
    for check in checks:
        failed[check.severity] += not check.is_passed
    gauge("failed_checks", "Checks that failed in the last run.", "severity", failed)
    gauge("data_age_seconds", "Since the end of the newest day of all its tables.", "source", ages)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry)
