"""What is reported of runs and data: by the sensors, as the daemon calls them, and without."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets import automation, freshness, keys, notification
from assets.command import runs
from assets.resources import SilentProgress
from pipelines import publishing
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.lake import landing
from pipelines.lake.landing import LoadReport
from pipelines.monitoring import notifier
from pipelines.publishing import Manifest, MartEntry
from pipelines.validation.report import CheckResult, record

DAY = Window.of_day(date(2024, 3, 1))
NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)


@dataclass
class Host:
    """What a source is like in a test: it answers, or it is down."""

    is_down: bool = False
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host()

    def land(name: str, window: Window, *_args: object, **_options: object) -> LoadReport:
        found.asked.append(name)
        if found.is_down and name == "binance":
            return LoadReport(name, window, failures=("host is down",))
        return LoadReport(name, window, load_id="1.2", requests=1)

    monkeypatch.setattr(landing, "land", land)
    return found


def run_day(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Run the extraction of a day as somebody else does: nobody reports it here."""
    from assets.definitions import build_defs

    job = build_defs(settings=settings, progress=SilentProgress()).resolve_job_def(
        automation.HISTORY_JOB
    )
    job.execute_in_process(
        run_config=runs._QUIET,
        instance=instance,
        partition_key=DAY.start.isoformat(),
        raise_on_error=False,
    )


Tick = Callable[[str], str]


@pytest.fixture
def tick(
    defs: dg.Definitions, settings: Settings, instance: dg.DagsterInstance
) -> Callable[[str], str]:
    """Return a function that evaluates a sensor as the daemon does: with its last cursor."""
    cursors: dict[str, str | None] = {}

    def evaluate(name: str) -> str:
        repository = defs.get_repository_def()
        context = dg.build_sensor_context(
            instance=instance,
            cursor=cursors.get(name),
            repository_def=repository,
            sensor_name=name,
            resources={"settings": settings},
        )
        done = repository.get_sensor_def(name).evaluate_tick(context)
        cursors[name] = done.cursor
        return done.skip_message or ""

    return evaluate


@pytest.fixture
def instance(settings: Settings) -> dg.DagsterInstance:
    with runs.open_instance(settings) as opened:
        yield opened  # type: ignore[misc]


def test_sensors_are_on_because_they_ask_nobody(defs: dg.Definitions) -> None:
    found = {one.name: one.default_status for one in defs.sensors or ()}
    assert found == dict.fromkeys(
        ("failed_runs", "recovered_runs", "stale_data"), dg.DefaultSensorStatus.RUNNING
    )
    assert Settings().notify == (), "nobody but the log hears of anything"


@pytest.mark.slow
def test_a_failed_run_is_reported_once_and_so_is_its_recovery(
    tick: Tick, host: Host, settings: Settings, instance: dg.DagsterInstance
) -> None:
    for name in ("failed_runs", "recovered_runs"):
        tick(name)  # from here on they look
    host.is_down = True
    run_day(instance, settings)
    assert tick("failed_runs") == "Tokenmart: history of 2024-03-01 failed"
    (incident,) = notifier.open_incidents(settings)
    assert incident.detail.startswith("extraction: ")
    assert "host is down" in incident.detail
    assert incident.run_id == instance.get_runs(limit=1)[0].run_id

    run_day(instance, settings)
    assert tick("failed_runs") == "no news", "it is known"

    host.is_down = False
    run_day(instance, settings)
    assert "recovered: history of 2024-03-01 failed" in tick("recovered_runs")
    assert notifier.open_incidents(settings) == ()


@pytest.mark.slow
def test_the_command_line_reports_without_a_daemon_and_a_daemon_adds_nothing(
    tick: Tick, host: Host, settings: Settings, instance: dg.DagsterInstance
) -> None:
    tick("failed_runs")
    host.is_down = True
    with pytest.raises(runs.RunFailed):
        runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())
    assert [one.name for one in notifier.open_incidents(settings)] == ["history"]
    assert tick("failed_runs") == "no news"
    host.is_down = False
    runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())
    assert notifier.open_incidents(settings) == ()


@pytest.mark.slow
def test_a_run_that_dagster_starts_again_is_no_news_yet(
    defs: dg.Definitions, host: Host, settings: Settings, instance: dg.DagsterInstance
) -> None:
    host.is_down = True
    run_day(instance, settings)
    run = instance.get_runs(limit=1)[0]
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=instance.all_logs(run.run_id)[-1].get_dagster_event(),
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(run.run_id),  # type: ignore[arg-type]
        resources={"settings": settings},
    ).for_run_failure()
    said = defs.get_repository_def().get_sensor_def("failed_runs")(context)
    assert "is tried again" in str(said)
    assert notifier.open_incidents(settings) == ()


@pytest.mark.slow
def test_a_refused_publication_is_an_incident_of_its_own(
    host: Host,
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host.is_down = True
    run_day(instance, settings)
    failed = instance.get_runs(limit=1)[0].run_id
    record(
        [
            CheckResult(
                failed, NOW, "invariant", "no_future", "price_daily", "block", False, 2, "bitcoin"
            )
        ],
        settings,
    )
    (signal,) = notification.run_signals(instance, failed, settings)
    assert signal.kind == "publication"
    assert signal.incident is not None
    assert signal.incident.detail == "price_daily: no_future failed (block): bitcoin"

    host.is_down = False
    run_day(instance, settings)
    well = instance.get_runs(limit=1)[0].run_id
    reported = notification.run_signals(instance, well, settings)
    assert [one.kind for one in reported] == ["run"], "it published nothing"

    @dataclass
    class Made:
        run_id: str

    monkeypatch.setattr(notification.publishing, "publications", lambda _: (Made(well),))
    reported = notification.run_signals(instance, well, settings)
    assert [(one.kind, one.incident) for one in reported] == [("run", None), ("publication", None)]


def test_a_broken_notifier_does_not_end_a_run(
    host: Host,
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(notifier, "report", broken)
    runs.execute(instance, automation.HISTORY_JOB, DAY, settings, SilentProgress())
    assert "could not be reported" in caplog.text


def list_klines(settings: Settings, newest: str) -> None:
    """Write a catalog of a source that was asked this morning and whose newest day is that."""
    Path(settings.lake_dir).mkdir(parents=True, exist_ok=True)
    line = {
        "source": "binance",
        "table_name": "klines",
        "newest_at": datetime.fromisoformat(newest).replace(tzinfo=UTC),
        "fetched_at": NOW,
    }
    pl.DataFrame([line]).write_parquet(Path(settings.lake_dir) / "catalog.parquet")


def test_a_source_that_stalls_is_reported_once_and_so_is_its_recovery(
    tick: Tick, settings: Settings
) -> None:
    list_klines(settings, "2024-03-01")
    assert tick("stale_data") == "no news"
    list_klines(settings, "2024-02-28")
    assert tick("stale_data") == "Tokenmart: binance delivers no new data"
    assert tick("stale_data") == "no news"
    (incident,) = notifier.open_incidents(settings)
    assert incident.detail.startswith("binance.klines: newest day 2024-02-28, stale")
    assert incident.since == datetime(2024, 3, 1, 3, tzinfo=UTC), "one hour's lag and a day"
    list_klines(settings, "2024-02-29")
    assert tick("stale_data") == "no news", "late is neither well nor stale"
    list_klines(settings, "2024-03-01")
    assert tick("stale_data") == "Tokenmart: recovered: binance delivers no new data"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("newest", "day", "passed"),
    [
        ("2024-03-01", "2024-03-01", True),
        ("2024-02-28", "2024-03-01", False),
        # a past day, filled in alone
        ("2024-02-28", "2024-02-28", True),
    ],
)
def test_freshness_is_an_asset_check_that_warns(
    newest: str,
    day: str,
    passed: bool,
    host: Host,
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freshness, "write_catalog", lambda _: None)
    list_klines(settings, newest)
    window = Window.of_day(date.fromisoformat(day))
    runs.execute(instance, automation.HISTORY_JOB, window, settings, SilentProgress())
    found = {
        key.asset_key.path[-1]: one
        for key, one in instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [
                dg.AssetCheckKey(keys.raw("binance", table), freshness.CHECK)
                for table in ("klines", "klines_intraday")
            ]
        ).items()
    }
    evaluations = {
        name: one.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        for name, one in found.items()
    }
    klines = evaluations["klines"]
    assert klines.passed is passed
    assert klines.severity is dg.AssetCheckSeverity.WARN
    assert klines.metadata["newest day"].value == newest
    assert evaluations["klines_intraday"].passed, "a table that never had data is not late"


def test_every_table_of_which_data_are_due_has_the_check(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    checked = {key.asset_key for key in graph.asset_check_keys if key.name == freshness.CHECK}
    assert keys.raw("kraken", "ohlc") in checked
    assert keys.published("price_daily") in checked
    assert keys.raw("kraken", "asset_pairs") not in checked, "a list is that of the moment"
    assert not any(
        graph.get_check_spec(key).blocking
        for key in graph.asset_check_keys
        if key.name == freshness.CHECK
    )


# --- schedules ------------------------------------------------------------------------------------


def test_missed_days_are_those_since_the_last_one_that_is_published() -> None:
    yesterday = date(2024, 3, 9)
    assert automation.missed_days(None, yesterday) == Window.of_day(yesterday)
    for back in range(1, 9):
        last = yesterday - timedelta(days=back)
        window = automation.missed_days(last, yesterday)
        assert window == Window.between(last + timedelta(days=1), yesterday)
    assert automation.missed_days(yesterday, yesterday) == Window.of_day(yesterday)


def schedule_tick(
    defs: dg.Definitions, instance: dg.DagsterInstance, name: str, settings: Settings
) -> tuple[list[dg.RunRequest], str]:
    schedule = defs.resolve_schedule_def(name)
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=NOW,
        repository_def=defs.get_repository_def(),
        resources={"settings": settings},
    )
    done = schedule.evaluate_tick(context)
    return list(done.run_requests or ()), done.skip_message or ""


def test_the_daily_schedule_catches_up_in_one_run(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = settings.model_copy(update={"profile": "live"})
    ((request), *others), _ = schedule_tick(defs, instance, "every_day", live)
    assert others == []
    assert request.partition_key == "2024-03-01", "nothing was ever published: yesterday"
    entry = MartEntry.model_construct(name="price_daily", max_day=date(2024, 2, 26))
    published = Manifest.model_construct(marts=(entry,))
    monkeypatch.setattr(publishing, "current", lambda _: published)
    ((request), *others), _ = schedule_tick(defs, instance, "every_day", live)
    assert others == []
    assert request.partition_key is None
    assert request.tags["dagster/asset_partition_range_start"] == "2024-02-27"
    assert request.tags["dagster/asset_partition_range_end"] == "2024-03-01"


def test_the_repair_schedule_asks_for_what_can_still_be_had(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = settings.model_copy(update={"profile": "live"})
    assert schedule_tick(defs, instance, "every_week_repair", live) == (
        [],
        "nothing is missing that can still be had",
    )
    days = Window.between(date(2024, 2, 1), date(2024, 2, 3))
    wanted = (automation.GapRequest("kraken", "ohlc", days, ("XBTUSD",)),)
    monkeypatch.setattr(automation, "gap_requests", lambda _: wanted)
    (request,), _ = schedule_tick(defs, instance, "every_week_repair", live)
    assert request.run_config == {
        "ops": {
            name: {"config": config} for name, config in automation.repair_config(wanted).items()
        }
    }
    assert request.tags["dagster/asset_partition_range_end"] == "2024-02-03"
    selected = {key.path[1] for key in request.asset_selection or () if key.path[0] == keys.RAW}
    assert selected == {"kraken"}, "no other source is asked"
    assert keys.published("price_daily") in (request.asset_selection or ())


@pytest.mark.parametrize("name", ["every_day", "every_week_repair"])
def test_schedules_do_nothing_in_the_sandbox(
    name: str, defs: dg.Definitions, instance: dg.DagsterInstance, settings: Settings
) -> None:
    requests, said = schedule_tick(defs, instance, name, settings)
    assert requests == []
    assert "no new days" in said
