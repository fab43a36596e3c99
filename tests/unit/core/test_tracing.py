"""Traces are sent where OpenTelemetry's variables ask for them, and cost nothing elsewhere."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipelines.core import tracing
from pipelines.core.settings import REPO_DIR, traces_are_wanted

RUN = "7e57ab1e-0000-4000-8000-0123456789ab"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    tracing._provider.cache_clear()
    yield
    tracing._provider.cache_clear()


def trace_something() -> None:
    with tracing.run(RUN, job="daily") as run, tracing.span("source", RUN, source="kraken") as span:
        span.note(rows=3)
        tracing.passed("requests", RUN, 0.1, rows=3)
        assert tracing.carried(trace_something) is trace_something
        run.fail("no reason")


@pytest.mark.parametrize(
    ("variables", "are_wanted"),
    [
        ({}, False),
        ({ENDPOINT: "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({ENDPOINT: "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: ""}, False),
    ],
)
def test_opentelemetrys_own_variables_decide(
    variables: dict[str, str], are_wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert traces_are_wanted() is are_wanted


def test_nothing_is_imported_where_nobody_asks() -> None:
    program = (
        "import sys; from pipelines.core import tracing\n"
        f"with tracing.run('{RUN}'), tracing.span('gate', '{RUN}'): pass\n"
        "sys.exit(any(name.startswith('opentelemetry.') for name in sys.modules))"
    )
    clean = {"PATH": "/usr/bin:/bin"}
    assert subprocess.run([sys.executable, "-c", program], cwd=REPO_DIR, env=clean).returncode == 0


def test_what_cannot_be_sent_is_said_once_and_stops_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    trace_something()
    trace_something()
    (record,) = caplog.records
    assert "`make extras`" in record.getMessage()


def test_errors_are_the_callers() -> None:
    with pytest.raises(ValueError, match="wrong"), tracing.run(RUN), tracing.span("gate", RUN):
        raise ValueError("wrong")
