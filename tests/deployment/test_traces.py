"""A run's trace as a collector of OTLP gets it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pipelines.core import tracing
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from tests.deployment.conftest import Collector
from tests.unit.conftest import NOW
from tests.unit.lake.conftest import land

pytestmark = pytest.mark.slow

RUN = "7e57ab1e-0000-4000-8000-0123456789ab"


@pytest.fixture
def traced(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name, value in collector.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=trial")
    tracing._provider.cache_clear()
    yield collector
    tracing._provider.cache_clear()


def test_who_works_for_a_run_is_below_it(traced: Collector, serve: Any, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, profile="live")
    with tracing.run(RUN, job="daily") as run:
        with tracing.span("extract", RUN):
            work = tracing.carried(lambda: land(settings, FixedClock(NOW), run_id=RUN))
            # no more is known there than in another process
            with ThreadPoolExecutor(1) as other:
                other.submit(work).result()
        with pytest.raises(ValueError, match="wrong"), tracing.span("gate", RUN):
            raise ValueError("wrong")
        run.fail("the gate")

    assert {span.trace_id for span in traced.spans} == {UUID(RUN).hex}
    by_id = {span.span_id: span for span in traced.spans}
    below = {span.name: by_id[span.parent_id].name for span in traced.spans if span.parent_id}
    assert below == {
        "extract": "run", "gate": "run", "source": "extract", "requests": "source",
    }  # fmt: skip
    (source,) = (span for span in traced.spans if span.name == "source")
    assert source.attributes["tokenmart.source"] == "kraken"
    assert source.attributes["tokenmart.rows"] == 4
    assert {span.name for span in traced.spans if span.is_error} == {"run", "gate"}
    assert traced.services == {"tokenmart"}


def test_a_collector_that_is_not_there_keeps_nobody(
    traced: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    tracing._provider.cache_clear()
    began = time.monotonic()
    with tracing.run(RUN), tracing.span("gate", RUN):
        pass
    assert time.monotonic() - began < 15
