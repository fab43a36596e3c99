"""Landing into the lake."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from pipelines.core.payload import PayloadError
from pipelines.core.settings import (
    Settings,
    SettingsError,
    SourceOverrides,
)
from pipelines.core.tables import EXTRACTION, QUARANTINE
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction.parsing import Parsed, parse_rows
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import disabled_reason
from pipelines.http.client import SourceUnavailable
from pipelines.lake import loading, storage
from pipelines.lake.catalog import read_catalog, write_catalog
from tests.unit.fake_source import DAILY, NAME, daily_source, days, instant
from tests.unit.lake.conftest import land, read


def test_a_load_lands_rows_and_its_log(serve: Any, settings: Settings, clock: FixedClock) -> None:
    report = land(settings, clock)
    assert report.rows == {"daily": 4}, "the day asked for and three days of look-back"
    assert report.window == Window.between(date(2025, 11, 7), date(2025, 11, 10))
    assert report.newest_at == instant(2025, 11, 10)
    assert (report.failures, report.refusals, report.quarantined) == ((), (), 0)
    catalog = write_catalog(settings)
    assert catalog.select("source", "table_name", "load_id", "row_count", "fetched_at").rows() == [
        (NAME, "daily", report.load_id, 4, clock.now()),
        (NAME, "extraction", report.load_id, 1, clock.now()),
    ]
    for line in catalog.to_dicts():
        file = Path(settings.lake_dir) / line["path"]
        assert line["path"].startswith(
            f"raw/{NAME}/{line['table_name']}/load_date=2025-11-11/{report.load_id}."
        )
        assert line["byte_count"] == file.stat().st_size
    log = read(settings, "extraction").to_dicts()
    assert [(row["entity_id"], row["status"], row["rows_landed"]) for row in log] == [
        ("A", "ok", 4)
    ]


def test_the_lakes_types_are_the_declared_ones(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    def page(symbol: str, window: Window) -> Parsed:
        good = days(symbol, window, price="12345678901234567890.123456789012345678")
        cells = {"symbol": 0, "day_time": 1, "price": 2}
        bad = parse_rows(DAILY, [[symbol, 5, "1"]], cells, times={"day_time": "s"})
        return Parsed(DAILY, good.rows, bad.refused)

    serve(daily_source(page=page))
    assert land(settings, clock).quarantined == 1
    for table in (DAILY, EXTRACTION, QUARANTINE):
        (path,) = write_catalog(settings).filter(pl.col("table_name") == table.name)["path"]
        schema = pq.read_schema(Path(settings.lake_dir) / path)
        declared = {field.name: field.type for field in table.arrow_schema()}
        assert {field.name: field.type for field in schema if field.name in declared} == declared
        assert set(schema.names) - set(declared) == {"_dlt_load_id"}
    assert str(read(settings, "daily")["price"][0]) == "12345678901234567890.123456789012345678"


def test_landing_twice_appends(serve: Any, settings: Settings, clock: FixedClock) -> None:
    first, second = land(settings, clock), land(settings, clock, run_id="run-2")
    assert first.load_id != second.load_id
    assert read(settings, "daily").height == 8
    assert sorted(read(settings, "daily")["_dlt_load_id"].unique()) == sorted(
        [first.load_id, second.load_id]
    )


def test_the_open_day_and_the_future_are_cut_off(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    report = land(settings, clock, Window.between(date(2025, 11, 10), date(2025, 11, 20)))
    assert report.rows == {"daily": 4}
    assert report.newest_at == instant(2025, 11, 10)
    later = Window.between(date(2025, 12, 1), date(2025, 12, 2))
    assert land(settings, clock, later).rows == {}


def test_the_users_look_back_wins(serve: Any, settings: Settings, clock: FixedClock) -> None:
    changed = settings.model_copy(update={"sources": {NAME: SourceOverrides(look_back_d=0)}})
    assert land(changed, clock).rows == {"daily": 1}


def test_a_source_that_is_off_is_not_asked(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    changed = settings.model_copy(update={"sources": {NAME: SourceOverrides(enabled=False)}})
    report = land(changed, clock)
    assert (report.is_enabled, report.load_id, report.rows) == (False, None, {})
    assert not Path(settings.lake_dir).exists()


def test_the_sandbox_profile_needs_its_server(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    with pytest.raises(SettingsError, match="no sandbox server"):
        land(settings.model_copy(update={"sandbox_url": None}), clock)


def test_what_came_before_a_failure_is_landed(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    def page(symbol: str, window: Window) -> Parsed:
        if symbol == "B":
            raise PayloadError("HTML, not JSON")
        if symbol == "D":
            raise SourceUnavailable("HTTP 451")
        return days(symbol, window)

    serve(daily_source("ABCDE", page))
    report = land(settings, clock)
    assert report.failures == ("daily B: HTML, not JSON", "HTTP 451")
    assert sorted(read(settings, "daily")["symbol"].unique()) == ["A", "C"]
    log = read(settings, "extraction").sort("entity_id")
    assert log["status"].to_list() == ["ok", "error", "ok", "error", "skipped"]


def test_a_bug_in_a_source_lands_nothing(serve: Any, settings: Settings, clock: FixedClock) -> None:
    def page(symbol: str, window: Window) -> Parsed:
        if symbol == "B":
            raise KeyError("a bug")
        return days(symbol, window)

    serve(daily_source("AB", page))
    with pytest.raises(Exception, match="a bug"):
        land(settings, clock)
    assert write_catalog(settings).is_empty()


def test_dlts_working_folder_is_removed(serve: Any, settings: Settings, clock: FixedClock) -> None:
    land(settings, clock)
    assert list(settings.dlt_dir.iterdir()) == []


def test_landings_side_by_side_do_not_disturb_each_other(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    serve(daily_source("AB"))
    with ThreadPoolExecutor(4) as pool:
        reports = list(
            pool.map(lambda number: land(settings, clock, run_id=f"run-{number}"), range(6))
        )
    assert len({report.load_id for report in reports}) == 6
    catalog = write_catalog(settings)
    assert catalog.group_by("table_name").len().sort("table_name").rows() == [
        ("daily", 6),
        ("extraction", 6),
    ]
    rows = read(settings, "daily").group_by("_dlt_load_id").len()
    assert rows["len"].to_list() == [8] * 6
    runs = read(settings, "extraction").group_by("_dlt_load_id").agg(pl.col("run_id").unique())
    assert sorted(run for (run,) in runs["run_id"].to_list()) == [f"run-{n}" for n in range(6)]


def test_a_load_killed_before_its_first_file_does_not_block_the_next(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    (Path(settings.lake_dir) / "raw" / NAME).mkdir(parents=True)
    land(settings, clock)
    assert read(settings, "daily").height == 4


def test_another_release_of_dlt_makes_its_own_file(
    serve: Any, settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.delattr("dlt.destinations.impl.filesystem.filesystem.INIT_FILE_NAME")
        loading._prepare(settings, NAME)
    assert not Path(settings.lake_dir).exists()
    assert land(settings, clock).rows == {"daily": 4}


def test_first_loads_at_the_same_time(serve: Any, settings: Settings) -> None:
    folders = [Path(settings.lake_dir) / "raw" / name for name in ("a", "b", "c")]
    for folder in folders:
        with ThreadPoolExecutor(8) as pool:
            for made in [pool.submit(loading._prepare, settings, folder.name) for _ in range(16)]:
                made.result()
        assert [file.name for file in folder.iterdir()] == ["init"]


def test_a_list_is_held_against_the_one_before(
    serve: Any, settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = replace(DAILY, is_snapshot=True)

    def list_of(count: int) -> None:
        def extract(run: Extraction, window: Window) -> Iterator[Item]:
            page = days("A", Window(date(2025, 1, 1), date(2025, 1, 1) + timedelta(count)))
            yield from run.pull(listing, "*", None, lambda: [page])

        serve(replace(daily_source(), extract=extract))
        monkeypatch.setattr("pipelines.sources.tables", lambda _name: (listing,))

    list_of(40)
    assert land(settings, clock).failures == ()
    write_catalog(settings)
    list_of(20)
    earlier = FixedClock(clock.now() - timedelta(days=1))
    assert land(settings, earlier).failures == (), "a replay of the past knows no later list"
    report = land(settings, clock)
    assert report.failures == ("daily: 20 rows, 40 the time before: the list looks cut off",)
    assert report.rows == {"daily": 20}, "what came is landed"


def test_the_runs_clock_stamps_and_the_walls_does_not(serve: Any, settings: Settings) -> None:
    past = FixedClock(instant(2022, 5, 12, 6))
    land(settings, past, Window.of_day(date(2022, 5, 11)))
    assert read(settings, "daily")["fetched_at"].unique().to_list() == [past.now()]
    assert "load_date=2022-05-12" in read_catalog(settings)["path"][0]


def test_two_runs_do_not_ask_one_source_at_the_same_time(settings: Settings) -> None:
    inside: list[str] = []
    met: list[list[str]] = []

    def ask(name: str) -> None:
        with storage.lock(settings, "binance"):
            inside.append(name)
            time.sleep(0.05)
            met.append(list(inside))
            inside.remove(name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert sorted(met) == [["a"], ["b"]]


def test_a_missing_key_disables_its_source_alone(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    serve(replace(daily_source(), needs_key=True))
    live = settings.model_copy(update={"profile": "live"})
    report = land(live, clock)
    assert not report.is_enabled
    assert report.disabled_reason == "no key: set TOKENMART_SOURCES__KRAKEN__API_KEY"
    assert report.requests == 0
    assert not report.failures
    with_key = SourceOverrides(api_key=SecretStr("secret"))
    assert (
        disabled_reason(
            replace(daily_source(), needs_key=True),
            live.model_copy(update={"sources": {NAME: with_key}}),
        )
        is None
    )
    assert disabled_reason(daily_source(), live) is None, "others go on"
