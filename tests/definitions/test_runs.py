"""Runs through Dagster with the work itself replaced: what fails, what goes on, what is said."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import automation, dbt_project, freshness, ingestion, keys
from assets.command import runs
from assets.definitions import build_defs
from assets.partitions import partition_of
from assets.resources import SilentProgress
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window
from pipelines.lake import landing, parallel
from pipelines.lake.landing import LoadReport
from pipelines.lake.repair import GapRequest, span

Land = Callable[[str, Window, Settings, Clock, str], LoadReport]
DAY = Window.of_day(date(2024, 3, 1))


@pytest.fixture
def landed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Window]:
    """Replace the extraction by one that only notes what it was asked for."""
    asked: dict[str, Window] = {}

    def land(
        name: str, window: Window, settings: Settings, clock: Clock, run_id: str, **_: object
    ) -> LoadReport:
        asked[name] = window
        rows = {table.name: 5 for table in sources.tables(name)}
        return LoadReport(name, window, load_id="1.2", rows=rows, requests=3)

    monkeypatch.setattr(landing, "land", land)
    return asked


class Recorded(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def advance(self, what: str, outcome: str | None = None) -> None:
        self.lines.append(f"{what}: {outcome}")


def test_a_day_asks_every_source_for_that_day(
    landed: dict[str, Window], settings: Settings
) -> None:
    reported = Recorded()
    with runs.open_instance(settings) as instance:
        outcome = runs.execute(instance, automation.HISTORY_JOB, DAY, settings, reported)
        record = instance.get_latest_materialization_event(keys.raw("binance", "klines"))

    assert landed == dict.fromkeys(sources.SOURCES, DAY)
    assert outcome.window == DAY
    assert outcome.assets == sum(len(sources.tables(name)) for name in sources.SOURCES)
    assert len([line for line in reported.lines if "rows in" in line]) == len(sources.SOURCES)
    assert record is not None
    assert record.asset_materialization is not None
    assert record.asset_materialization.partition == "2024-03-01"
    assert record.asset_materialization.metadata["dagster/row_count"].value == 5


@pytest.mark.slow
def test_sources_are_landed_side_by_side(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, meeting = landing.land, threading.Barrier(parallel.SANDBOX_THREADS, timeout=20)
    names = iter(range(10_000))

    def land(
        name: str, window: Window, settings: Settings, clock: Clock, run_id: str, **_: object
    ) -> LoadReport:
        if next(names) < parallel.SANDBOX_THREADS:
            meeting.wait()  # breaks unless as many sources are at work at the same time
        return healthy(name, window, settings, clock, run_id)

    monkeypatch.setattr(landing, "land", land)
    with runs.open_instance(settings) as instance:
        runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())
    assert landed == dict.fromkeys(sources.SOURCES, DAY)


@pytest.mark.slow
def test_the_extraction_is_one_step_that_says_what_each_source_took(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a step for each source all but one would only wait for what another one does."""
    healthy, seconds = landing.land, {name: float(n) for n, name in enumerate(sources.SOURCES)}

    def land(name: str, *arguments: Any, **options: Any) -> LoadReport:
        report = healthy(name, *arguments, **options)
        return replace(report, duration_s=seconds[name], requests=len(name))

    monkeypatch.setattr(landing, "land", land)
    reported = Recorded()
    with runs.open_instance(settings) as instance:
        outcome = runs.execute(instance, automation.HISTORY_JOB, DAY, settings, reported)
        steps = instance.get_run_step_stats(outcome.run_id)
        events = [
            event.asset_materialization
            for source in sources.SOURCES
            for table in sources.tables(source)
            if (event := instance.get_latest_materialization_event(keys.raw(source, table.name)))
        ]
        logged = [
            entry.user_message
            for entry in instance.all_logs(outcome.run_id)
            if entry.step_key == ingestion.OP_NAME and entry.level == logging.INFO
        ]
    assert [step.step_key for step in steps] == [ingestion.OP_NAME, freshness.TABLES_OP]
    measured = {
        event.asset_key.path[1]: (
            event.metadata["seconds that the source took"].value, event.metadata["requests"].value
        )
        for event in events
        if event is not None
    }  # fmt: skip
    assert measured == {name: (seconds[name], len(name)) for name in sources.SOURCES}
    for name in sources.SOURCES:
        assert [line for line in logged if line.startswith(f"{name}, ")], f"{name} is not logged"
        assert [line for line in reported.lines if line.startswith(f"{name}: ")]


@pytest.mark.slow
def test_of_a_source_all_tables_are_landed_and_reported(
    landed: dict[str, Window], settings: Settings
) -> None:
    tables = [keys.raw("bybit", table.name) for table in sources.tables("bybit")]
    result = _extracted(settings, [tables[0]])
    assert result.success
    assert landed == {"bybit": DAY}
    made = {(e.asset_key, e.partition) for e in result.get_asset_materialization_events()}
    assert made == {(key, "2024-03-01") for key in tables}
    checked = {check.asset_key for check in result.get_asset_check_evaluations()}
    assert checked == {tables[0]}, "a check that was not selected"


@pytest.mark.slow
def test_a_selected_source_is_landed_alone(landed: dict[str, Window], settings: Settings) -> None:
    wanted = [keys.raw("kraken", table.name) for table in sources.tables("kraken")]
    assert _extracted(settings, wanted).success
    assert landed == {"kraken": DAY}


def _extracted(settings: Settings, wanted: list[dg.AssetKey]) -> dg.ExecuteInProcessResult:
    defs = build_defs(settings=settings, progress=SilentProgress())
    job = defs.get_repository_def().get_implicit_job_def_for_assets(wanted)
    assert job is not None
    with runs.open_instance(settings) as instance:
        return job.execute_in_process(
            instance=instance, asset_selection=wanted, partition_key="2024-03-01"
        )


@pytest.mark.slow
def test_a_range_is_one_extraction_window_and_one_run(
    landed: dict[str, Window], settings: Settings
) -> None:
    window = Window(date(2024, 2, 1), date(2024, 3, 1))
    with runs.open_instance(settings) as instance:
        runs.execute(instance, automation.HISTORY_JOB, window, settings, SilentProgress())
        days = instance.get_materialized_partitions(keys.raw("kraken", "ohlc"))
        (run,) = instance.get_runs()

    assert landed == dict.fromkeys(sources.SOURCES, window)
    assert len(days) == 29
    assert run.tags[".dagster/repository"] == "__repository__@tokenmart"


@pytest.mark.slow
def test_a_repair_asks_for_its_gap_requests_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Window, object, str | None]] = []

    def land(
        name: str,
        window: Window,
        settings: Settings,
        clock: Clock,
        run_id: str,
        *,
        only_table: str | None = None,
        purpose: str = "run",
    ) -> LoadReport:
        assert purpose == "repair"
        own = settings.overrides(name)
        assert own.look_back_d == 0, "not a day more"
        asked.append((name, window, own.entities, only_table))
        return LoadReport(name, window, load_id="1.2", rows={str(only_table): 1}, requests=1)

    monkeypatch.setattr(landing, "land", land)
    early, late = Window.of_day(date(2024, 2, 1)), Window(date(2024, 2, 5), date(2024, 2, 8))
    wanted = [
        GapRequest("kraken", "ohlc", early, ("ETHUSD", "XBTUSD")),
        GapRequest("kraken", "ohlc", late, ("XBTUSD",)),
        GapRequest("coinbase", "candles", late, ("BTC-USD",)),
    ]
    config = {ingestion.OP_NAME: {"gap_requests": [request.as_config() for request in wanted]}}
    with runs.open_instance(settings) as instance:
        outcome = runs.execute(
            instance,
            automation.HISTORY_JOB,
            span(wanted),
            settings,
            SilentProgress(),
            config=config,
            only_sources={"kraken", "coinbase"},
        )
        (run,) = instance.get_runs()
        record = instance.get_latest_materialization_event(keys.raw("kraken", "ohlc"))
    assert sorted(asked) == sorted(
        (request.source, request.window, request.entities, request.table_name) for request in wanted
    )
    assert outcome.window == Window(date(2024, 2, 1), date(2024, 2, 8))
    assert run.run_config["ops"][ingestion.OP_NAME]["config"]["gap_requests"] == [
        request.as_config() for request in wanted
    ], "the instance remembers what was asked for"
    assert record is not None


@pytest.mark.slow
def test_first_gap_is_the_first_day_that_a_source_lacks(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Window(date(2024, 2, 25), date(2024, 3, 5))
    with runs.open_instance(settings) as instance:
        assert runs.first_gap(instance, settings, wanted) == date(2024, 2, 25)
        early = Window(date(2024, 2, 25), date(2024, 2, 28))
        runs.execute(instance, automation.HISTORY_JOB, early, settings, SilentProgress())
        assert runs.first_gap(instance, settings, wanted) == date(2024, 2, 25), "the lake is empty"

        import polars as pl

        monkeypatch.setattr(runs, "read_catalog", lambda _: pl.DataFrame({"path": ["x"]}))
        assert runs.first_gap(instance, settings, wanted) == date(2024, 2, 28)
        assert runs.first_gap(instance, settings, early) is None


def test_failing_sources_are_named_and_the_others_land(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = landing.land

    def land(
        name: str, window: Window, settings: Settings, clock: Clock, run_id: str, **_: object
    ) -> LoadReport:
        report = healthy(name, window, settings, clock, run_id)
        if name == "binance":
            return LoadReport(name, window, rows={"klines": 2}, failures=("host is down",))
        if name == "okx":
            raise ValueError("no such page")
        return report

    monkeypatch.setattr(landing, "land", land)
    with runs.open_instance(settings) as instance:
        with pytest.raises(runs.RunFailed) as failed:
            runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())
        assert not instance.get_materialized_partitions(keys.raw("binance", "klines"))
        assert instance.get_materialized_partitions(keys.raw("kraken", "ohlc")) == {"2024-03-01"}

    assert failed.value.troubles == (
        runs.Trouble("extraction", "binance: host is down\nokx: ValueError: no such page"),
    )


def test_who_is_asked_again_follows_from_runs_that_were_cut_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars as pl

    ended = {
        "oldest": ("2024-02-01", "2024-02-03", dg.DagsterRunStatus.FAILURE),
        "well": ("2024-02-01", "2024-02-03", dg.DagsterRunStatus.SUCCESS),
        "killed": ("2024-01-31", "2024-02-03", dg.DagsterRunStatus.FAILURE),
        "shorter": ("2024-02-02", "2024-02-03", dg.DagsterRunStatus.FAILURE),
        "stopped": ("2024-02-01", "2024-02-03", dg.DagsterRunStatus.CANCELED),
        "beside": ("2024-02-01", "2024-02-03", dg.DagsterRunStatus.STARTED),
        "now": ("2024-02-01", "2024-02-03", dg.DagsterRunStatus.STARTED),
    }
    noted = {
        "oldest": [("gold", {"load id": "listed", "failures": 0})],
        "killed": [
            ("kraken", {"load id": "listed", "failures": 0}),
            ("okx", {"load id": "listed", "failures": 1}),
            ("ecb", {"load id": "lost", "failures": 0}),
            ("bitstamp", {"failures": 0}),
        ],
        "stopped": [("binance", {"load id": "listed", "failures": 0})],
    }
    monkeypatch.setattr(ingestion, "write_catalog", lambda _: pl.DataFrame({"load_id": ["listed"]}))
    monkeypatch.setattr(
        ingestion,
        "observed_loads",
        lambda _, run_id: ((name, 0.0, figures) for name, figures in noted[run_id]),
    )
    with dg.DagsterInstance.ephemeral() as instance:
        for run_id, (first, last, status) in ended.items():
            _, tags = partition_of(Window.between(*map(date.fromisoformat, (first, last))))
            instance.add_run(dg.DagsterRun("backfill", run_id, status=status, tags=tags))
        run = instance.get_run_by_id("now")
        assert run is not None
        window = Window(date(2024, 2, 1), date(2024, 2, 4))
        landed = ingestion._landed_before(instance, run, window, settings)
        assert landed == {"kraken": "listed", "binance": "listed"}
        assert ingestion._landed_before(instance, run, DAY, settings) == {}, "a day is asked again"


@pytest.mark.slow
def test_a_range_that_was_cut_off_goes_on_with_what_is_not_landed(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Years of four sources are not fetched again because a fifth was down, or somebody's power."""
    import polars as pl

    healthy, down = landing.land, {"binance", "okx"}
    listed = ["1.kraken", "1.ecb", "2.binance"]  # the lake lost all other loads

    def land(
        name: str, window: Window, settings: Settings, clock: Clock, run_id: str, **_: object
    ) -> LoadReport:
        report = replace(healthy(name, window, settings, clock, run_id), load_id=f"{turn}.{name}")
        return replace(report, failures=("host is down",)) if name in down else report

    def ask(window: Window) -> set[str]:
        landed.clear()
        runs.execute(instance, automation.HISTORY_JOB, window, settings, SilentProgress())
        return set(landed)

    monkeypatch.setattr(landing, "land", land)
    monkeypatch.setattr(ingestion, "write_catalog", lambda _: pl.DataFrame({"load_id": listed}))
    window = Window(date(2024, 2, 1), date(2024, 2, 4))
    turn = 1
    with runs.open_instance(settings) as instance:
        with pytest.raises(runs.RunFailed, match="host is down"):
            ask(window)
        down, turn = {"okx"}, 2
        with pytest.raises(runs.RunFailed, match="okx: host is down"):
            ask(window)
        assert set(landed) == set(sources.SOURCES) - {"kraken", "ecb"}
        assert instance.get_materialized_partitions(keys.raw("ecb", "exchange_rates"))
        with pytest.raises(runs.RunFailed, match="okx: host is down"):
            ask(Window(window.start, date(2024, 2, 5)))
        assert set(landed) == set(sources.SOURCES), "days that the run before was not of"
        down = set()
        assert ask(window) == set(sources.SOURCES) - {"kraken", "ecb", "binance"}
        assert ask(window) == set(sources.SOURCES), "it ended well: who runs it again wants news"


@pytest.mark.slow
def test_unforeseen_error_is_reported_with_its_cause(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def land(*_args: object, **_options: object) -> LoadReport:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error

    monkeypatch.setattr(landing, "land", land)
    with (
        runs.open_instance(settings) as instance,
        pytest.raises(runs.RunFailed, match="KeyError: 'inner'"),
    ):
        runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())


@pytest.mark.slow
def test_asset_that_was_skipped_in_silence_is_an_error(
    landed: dict[str, Window], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = dg.ExecuteInProcessResult.get_asset_materialization_events

    def without_the_last(self: dg.ExecuteInProcessResult) -> object:
        return [e for e in events(self) if e.asset_key != keys.raw("kraken", "ohlc")]

    monkeypatch.setattr(
        dg.ExecuteInProcessResult, "get_asset_materialization_events", without_the_last
    )
    with (
        runs.open_instance(settings) as instance,
        pytest.raises(runs.RunFailed, match="skipped: raw/kraken/ohlc"),
    ):
        runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())


def test_overrides_are_named() -> None:
    with pytest.raises(ValueError, match="no such resource: warehouse"):
        build_defs(warehouse=Path("x"))


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace gate and publishing by ones that note their calls; the gate fails once it says so."""
    from assets import checks, publication
    from pipelines.publishing import GateFailed, MartEntry
    from pipelines.validation.report import CheckResult, blocking

    calls: list[str] = []

    def check_all(
        settings: Settings,
        clock: Clock,
        run_id: str,
        window: Window | None,
        contracts: object,
        before: object,
    ) -> tuple[CheckResult, ...]:
        calls.append(f"gate {window}")
        ok = "broken" not in calls
        return (
            CheckResult(
                run_id, clock.now(), "invariant", "quality_suite", "price_daily", "block", ok
            ),
        )

    class Published:
        version, rows = "v", 1

        def mart(self, name: str) -> MartEntry:
            return MartEntry(
                name=name, kind="table", key=(), columns={}, rows=1, min_day=None, max_day=None,
                content_hash="h", parquet="p", parquet_bytes=1,
            )  # fmt: skip

    def publish(
        settings: Settings, clock: Clock, run_id: str, results: object, contracts: object
    ) -> Published:
        if blocking(results):  # type: ignore[arg-type]
            raise GateFailed(blocking(results))  # type: ignore[arg-type]
        calls.append("publish")
        return Published()

    monkeypatch.setattr(checks.validation, "check_all", check_all)
    monkeypatch.setattr(publication.publishing, "publish", publish)
    return calls


def _published(settings: Settings, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    """Materialise the published marts alone, as the UI does from the page of one of them."""
    wanted = [keys.published(name) for name in dbt_project.mart_descriptions()]
    return _materialised(settings, wanted, tags)


def _materialised(
    settings: Settings, wanted: list[dg.AssetKey], tags: dict[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    defs = build_defs(settings=settings, progress=SilentProgress())
    job = defs.get_repository_def().get_implicit_job_def_for_assets(wanted)
    assert job is not None
    with runs.open_instance(settings) as instance:
        return job.execute_in_process(
            instance=instance, asset_selection=wanted, tags=tags, raise_on_error=False
        )


@pytest.mark.parametrize("layer", [keys.MARTS, keys.PUBLISHED])
def test_a_day_that_does_not_exist_is_refused_by_every_step(
    gate: list[str], settings: Settings, layer: str
) -> None:
    wanted = [keys.model(layer, name) for name in dbt_project.mart_descriptions()]
    result = _materialised(settings, wanted, {"dagster/partition": "2024-03-02"})
    (failure, *_) = [event for event in result.all_events if event.is_step_failure]
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert data.description == "2024-03-02 is not over yet: the newest complete day is 2024-03-01"
    assert gate == []


@pytest.mark.slow
def test_publishing_passes_the_gate_and_is_of_no_day(gate: list[str], settings: Settings) -> None:
    result = _published(settings)

    assert result.success
    assert gate == ["gate None", "publish"]
    reported = {(e.asset_key, e.partition) for e in result.get_asset_materialization_events()}
    assert reported == {(keys.published(name), None) for name in dbt_project.mart_descriptions()}


def test_publishing_without_its_checks_is_refused_where_the_gate_fails(
    gate: list[str], settings: Settings
) -> None:
    gate.append("broken")

    assert not _published(settings).success
    assert "publish" not in gate


def test_an_extraction_without_a_day_is_refused(
    landed: dict[str, Window], settings: Settings
) -> None:
    result = _materialised(settings, [keys.raw("kraken", "ohlc")])
    assert not result.success
    assert landed == {}
