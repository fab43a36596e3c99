"""What each source plans to ask for, against what it asks for: of a day, and of all of history."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import sources
from pipelines.core.settings import Settings, SourceOverrides
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Plan, Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import (
    Source,
    begin_extraction,
    client_for,
    extract,
    files_client_for,
)
from pipelines.http.client import Allowance, Budget, HttpClient, OverBudget
from pipelines.lake import landing
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from tests.sources.local_api import Answer, Asked, local_api


@dataclass
class Asking:
    """A source's run, begun."""

    settings: Settings
    clock: FixedClock

    def begin(self, name: str, **overrides: Any) -> Extraction:
        settings = self.settings.model_copy(
            update={"sources": {name: SourceOverrides(max_attempts=1, **overrides)}}
        )
        source = sources.source(name)
        curated = universe.codes(settings, source.identity or name)
        return begin_extraction(source, settings, self.clock, "run", curated)

    def run(self, name: str, window: Window, **overrides: Any) -> Extraction:
        run = self.begin(name, **overrides)
        for _ in extract(sources.source(name), run, window):
            pass
        return run


@pytest.fixture
def asking(server: SandboxServer, dataset: Dataset, tmp_path: Path) -> Asking:
    settings = Settings(
        data_dir=tmp_path,
        sandbox_url=server.url,
        dataset=dataset.path,
        curation_dir=dataset.path,
        _env_file=None,
    )
    return Asking(settings, FixedClock(dataset.now))


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_no_source_sends_more_than_it_planned(name: str, asking: Asking, dataset: Dataset) -> None:
    day, history = Window.of_day(dataset.end), Window.between(dataset.start, dataset.end)
    for window in (day, history):
        run = asking.run(name, window)
        assert run.failures == []
        used = run.usage.request_count
        assert used <= run.plan.request_count <= run.bound.request_count, f"{window}: {run.plan}"
        tables = {share.table.name for share in run.bound.shares}
        assert tables <= {table.name for table in sources.tables(name)}


@pytest.mark.parametrize("name", SOURCES)
def test_a_plan_sends_nothing_and_a_longer_window_never_plans_less(
    name: str, asking: Asking, dataset: Dataset, server: SandboxServer
) -> None:
    server.set_faults([{"source": name, "kind": "451"}])
    run, source = asking.begin(name), sources.source(name)
    windows = (
        Window.of_day(dataset.end),
        Window.between(dataset.start, dataset.end),
        Window.between(dataset.start.replace(year=dataset.start.year - 4), dataset.end),
    )
    counts = [Plan(tuple(source.plan(run, window))).request_count for window in windows]
    assert counts == sorted(counts)
    assert counts[-1] > 0
    assert server.faults()[0]["hits"] == 0, "a plan is made before the first request"


@pytest.mark.parametrize("name", ["binance", "coinmetrics", "defillama", "ethereum"])
def test_a_run_stops_at_the_number_that_the_user_allows(
    name: str, asking: Asking, dataset: Dataset
) -> None:
    day = Window.of_day(dataset.end)
    run = asking.run(name, day, max_requests=1)
    assert run.usage.request_count == 1
    assert any("MAX_REQUESTS allows 1" in failure for failure in run.failures)
    assert run.has_stopped
    statuses = {row["status"] for row in run.log().to_pylist()}
    assert "error" in statuses, "what was not asked for must not look complete"


ENDLESS = sources.tables("kraken")[0]


def test_a_source_that_never_ends_is_left_at_its_ceiling() -> None:
    """A cursor that always names a next page must not be followed for ever."""

    def extract(run: Extraction, window: Window) -> Iterator[Item]:
        def pages() -> Iterator[Parsed]:
            while True:
                run.client.get_json("page")
                yield Parsed(ENDLESS, ENDLESS.arrow_schema().remove(0).empty_table())

        for entity in ("a", "b"):
            yield from run.pull(ENDLESS, entity, window, pages)

    with local_api(lambda _: {}) as api:
        run = _begun(api.url, extract, [Share(ENDLESS, 2, 3)])
        assert list(run) == []
    ceiling = Plan((Share(ENDLESS, 2, 3),)).ceiling
    assert len(api.asked) == ceiling
    (failure,) = run.extraction.failures
    assert "6 requests were planned" in failure
    assert [row["status"] for row in run.extraction.log().to_pylist()] == ["error", "skipped"]


def test_what_is_sent_again_counts_and_no_mirror_gets_what_is_over() -> None:
    def busy(asked: Asked) -> object:
        return Answer("no", status=503)

    with local_api(busy) as api, local_api(lambda _: {}) as mirror:
        allowance = Allowance()
        allowance.ceiling, allowance.reason = 3, "2 requests were planned"
        client = HttpClient(
            "test", api.url, budget=None, max_attempts=9, max_retry_delay_s=0.001,
            allowance=allowance, mirrors=[mirror.url],
        )  # fmt: skip
        with pytest.raises(OverBudget, match=r"3 requests are sent.*2 requests were planned"):
            client.get_json("a")
        assert client.usage.request_count == len(api.asked) == 3
        assert not mirror.asked


def test_two_hosts_of_a_source_share_its_allowance() -> None:
    source, settings = sources.source("binance"), Settings(sandbox_url="http://127.0.0.1:1")
    allowance = Allowance()
    one = client_for(source, settings, allowance)
    other = files_client_for(source, settings, allowance)
    assert other is not None
    assert one.allowance is other.allowance


def test_a_landed_run_tells_what_it_planned(asking: Asking, dataset: Dataset) -> None:
    report = landing.land(
        "kraken", Window.of_day(dataset.end), asking.settings, asking.clock, "run"
    )
    assert 0 < report.requests <= report.planned <= report.bound


def test_repairs_plan_only_what_they_ask_for(asking: Asking, dataset: Dataset) -> None:
    run = asking.begin("coingecko", entities=("bitcoin",))
    run.only_table = "market_chart"
    run.adopt(sources.source("coingecko").plan(run, Window.of_day(dataset.end)))
    assert {share.table.name: share.request_count for share in run.bound.shares} == {
        "market_chart": 1,
        # the lists that the series stand in
        "markets": 5,
        "categories": 1,
    }


@dataclass
class _Begun:
    extraction: Extraction
    items: Callable[[], Iterator[Item]]

    def __iter__(self) -> Iterator[Item]:
        return self.items()


def _begun(url: str, answers: Any, shares: list[Share]) -> _Begun:
    source = Source(
        "kraken", "Endless", "spot_venue", "https://endless.example", Budget(1.0), 0,
        answers, lambda _run, _window: shares, "none",
    )  # fmt: skip
    settings = Settings(
        sources={"kraken": SourceOverrides(base_url=url, max_attempts=1)}, _env_file=None
    )
    clock = FixedClock(datetime(2026, 1, 2, 6, tzinfo=UTC))
    run = begin_extraction(source, settings, clock, "run", frozenset())
    window = Window.of_day(clock.now().date().replace(day=1))
    return _Begun(run, lambda: extract(source, run, window))
