"""Landing into the lake, and the catalog of what may be read there."""

import json
import shutil
import subprocess
import sys
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
    REPO_DIR,
    Settings,
    SettingsError,
    SourceOverrides,
    child_environment,
)
from pipelines.core.tables import EXTRACTION, QUARANTINE
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import asking as extraction
from pipelines.extraction.asking import Extraction, Item, Source
from pipelines.extraction.parsing import Parsed, parse_rows
from pipelines.http.client import SourceUnavailable
from pipelines.lake import landing as lake
from tests.unit.core.fake_source import DAILY, NAME, daily_source, days, instant, use

DAY = Window.of_day(date(2025, 11, 10))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(source: Source) -> None:
        for name, value in use(source).items():
            monkeypatch.setattr(name, value)

    put(daily_source())
    return put


def land(settings: Settings, clock: FixedClock, window: Window = DAY, run_id: str = "run-1"):  # type: ignore[no-untyped-def]
    return lake.land(NAME, window, settings, clock, run_id)


def read(settings: Settings, table: str) -> pl.DataFrame:
    """Return what the catalog shows of a table."""
    files = lake.write_catalog(settings).filter(pl.col("table_name") == table)["path"]
    return pl.concat([pl.read_parquet(Path(settings.lake_dir) / path) for path in files])


def test_a_load_lands_rows_and_its_log(serve: Any, settings: Settings, clock: FixedClock) -> None:
    report = land(settings, clock)
    assert report.rows == {"daily": 4}, "the day asked for and three days of look-back"
    assert report.window == Window.between(date(2025, 11, 7), date(2025, 11, 10))
    assert report.newest_at == instant(2025, 11, 10)
    assert (report.failures, report.refusals, report.quarantined) == ((), (), 0)
    catalog = lake.write_catalog(settings)
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
        (path,) = lake.write_catalog(settings).filter(pl.col("table_name") == table.name)["path"]
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
    assert lake.write_catalog(settings).is_empty()


def test_dlts_working_folder_is_removed(serve: Any, settings: Settings, clock: FixedClock) -> None:
    land(settings, clock)
    assert list(settings.dlt_dir.iterdir()) == []


KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from pipelines import sources
from pipelines.lake import landing as lake
from pipelines.extraction import universe
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from tests.unit.core.fake_source import daily_source, instant, use

parts = use(daily_source())
sources.source, sources.tables = parts["pipelines.sources.source"], parts["pipelines.sources.tables"]
universe.codes = parts["pipelines.extraction.universe.codes"]
# the files are there, and the process dies before the load is marked complete
FilesystemClient.complete_load = lambda self, load_id: os._exit(9)
settings = Settings(data_dir=Path(sys.argv[1]), sandbox_url="http://127.0.0.1:9", _env_file=None)
lake.land("kraken", Window.of_day(date(2025, 11, 10)), settings, FixedClock(instant(2025, 11, 11, 6)), "r")
"""  # noqa: E501


def test_a_killed_load_leaves_files_that_nobody_reads(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.data_dir)],
        env={**child_environment(), "PYTHONPATH": str(REPO_DIR)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert dead.returncode == 9, dead.stderr[-2000:]
    left = list(Path(settings.lake_dir).glob("raw/kraken/daily/*/*.parquet"))
    assert len(left) == 1, "the test must leave a file behind"
    assert lake.write_catalog(settings).is_empty()
    repeated = land(settings, clock)
    assert lake.write_catalog(settings)["load_id"].unique().to_list() == [repeated.load_id]
    assert read(settings, "daily").height == 4


@pytest.mark.parametrize(
    "mark", [None, b"", b'{"load_id":"17', {"status": 1}], ids=["none", "empty", "torn", "failed"]
)
def test_only_a_complete_load_is_listed(
    mark: Any, serve: Any, settings: Settings, clock: FixedClock
) -> None:
    report = land(settings, clock)
    (file,) = Path(settings.lake_dir).glob(f"raw/kraken/_dlt_loads/*{report.load_id}*")
    whole = file.read_bytes()
    if mark is None:
        file.unlink()
    elif isinstance(mark, bytes):
        file.write_bytes(mark)
    else:
        file.write_text(json.dumps({**json.loads(whole), **mark}))
    assert lake.write_catalog(settings).is_empty()
    file.write_bytes(whole)
    assert lake.write_catalog(settings).height == 2


def test_the_catalog_forgets_files_that_are_gone(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    kept = land(settings, clock).load_id
    catalog = lake.write_catalog(settings)
    for path in catalog.filter(pl.col("load_id") != kept)["path"]:
        (Path(settings.lake_dir) / path).unlink()
    assert lake.write_catalog(settings)["load_id"].unique().to_list() == [kept]


def test_the_catalog_of_an_empty_lake(settings: Settings) -> None:
    assert lake.read_catalog(settings).is_empty()
    catalog = lake.write_catalog(settings)
    assert catalog.is_empty()
    assert lake.read_catalog(settings).schema == catalog.schema
    assert (Path(settings.lake_dir) / lake.CATALOG).exists(), "readers need the file"


def test_the_catalog_does_not_depend_on_what_it_was(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    lake.write_catalog(settings)
    land(settings, clock)
    step_by_step = lake.write_catalog(settings)
    (Path(settings.lake_dir) / lake.CATALOG).unlink()
    assert lake.write_catalog(settings).equals(step_by_step)
    assert lake.read_catalog(settings).equals(step_by_step)


def test_the_catalog_says_how_far_each_table_reaches(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    """The rows' own instants, and not the window that was asked for; a log is about none."""
    land(settings, clock)
    reached = dict(lake.write_catalog(settings).select("table_name", "newest_at").iter_rows())
    assert reached == {"daily": instant(2025, 11, 10), "extraction": None}


def test_a_catalog_of_before_files_were_hashed_is_completed(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    whole = lake.write_catalog(settings)
    whole.drop("sha256").write_parquet(Path(settings.lake_dir) / lake.CATALOG)
    assert lake.read_catalog(settings)["sha256"].null_count() == whole.height
    assert lake.write_catalog(settings).equals(whole)


def test_a_catalog_of_an_earlier_version_keeps_its_hashes(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    """A file that was changed since must not get a new hash because a column is new."""
    land(settings, clock)
    whole = lake.write_catalog(settings)
    earlier = whole.drop("newest_at").with_columns(sha256=pl.lit("of the file as it was landed"))
    earlier.write_parquet(Path(settings.lake_dir) / lake.CATALOG)
    kept = lake.write_catalog(settings)
    assert kept["sha256"].unique().to_list() == ["of the file as it was landed"]
    assert kept.drop("sha256", "newest_at").equals(whole.drop("sha256", "newest_at"))


def test_readers_never_meet_half_a_catalog(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    lake.write_catalog(settings)
    done = threading.Event()

    def rewrite() -> None:
        for _ in range(25):
            lake.write_catalog(settings)
        done.set()

    writers = [threading.Thread(target=rewrite) for _ in range(2)]
    for writer in writers:
        writer.start()
    heights = set()
    while not done.is_set():
        heights.add(pl.read_parquet(Path(settings.lake_dir) / lake.CATALOG).height)
    for writer in writers:
        writer.join()
    assert heights == {2}
    assert [file.name for file in Path(settings.lake_dir).iterdir() if file.is_file()] == [
        lake.CATALOG
    ], "nothing is left beside it"


def test_a_failed_write_leaves_the_old_catalog(
    serve: Any, settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, clock)
    before = lake.write_catalog(settings)
    land(settings, clock)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        lake.write_catalog(settings)
    assert lake.read_catalog(settings).equals(before)
    names = [file.name for file in Path(settings.lake_dir).iterdir() if file.is_file()]
    assert names == [lake.CATALOG], "nothing half-written may be left beside it"


def test_landings_side_by_side_do_not_disturb_each_other(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    serve(daily_source("AB"))
    with ThreadPoolExecutor(4) as pool:
        reports = list(
            pool.map(lambda number: land(settings, clock, run_id=f"run-{number}"), range(6))
        )
    assert len({report.load_id for report in reports}) == 6
    catalog = lake.write_catalog(settings)
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


def test_first_loads_at_the_same_time(serve: Any, settings: Settings) -> None:
    folders = [Path(settings.lake_dir) / "raw" / name for name in ("a", "b", "c")]
    for folder in folders:
        with ThreadPoolExecutor(8) as pool:
            for made in [pool.submit(lake._prepare, settings, folder.name) for _ in range(16)]:
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
    lake.write_catalog(settings)
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
    assert "load_date=2022-05-12" in lake.read_catalog(settings)["path"][0]


def test_two_runs_do_not_ask_one_source_at_the_same_time(settings: Settings) -> None:
    inside: list[str] = []
    met: list[list[str]] = []

    def ask(name: str) -> None:
        with lake.lock(settings, "binance"):
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
        extraction.disabled_reason(
            replace(daily_source(), needs_key=True),
            live.model_copy(update={"sources": {NAME: with_key}}),
        )
        is None
    )
    assert extraction.disabled_reason(daily_source(), live) is None, "others go on"


def test_the_newest_day_is_told_by_the_lake_alone(
    serve: Any, settings: Settings, clock: FixedClock, tmp_path: Path
) -> None:
    assert lake.newest_day(settings) is None, "nothing was landed"
    land(settings, clock)
    early = Window.of_day(date(2025, 3, 2))
    land(settings, clock, early, run_id="an older day, landed later")

    shutil.copytree(settings.lake_dir, tmp_path / "restored" / "lake")
    restored = settings.model_copy(update={"data_dir": tmp_path / "restored"})
    assert not Path(restored.lake_dir, lake.CATALOG).exists(), "nobody had written one yet"
    assert lake.newest_day(restored) == DAY.start


def test_a_label_at_the_end_of_a_day_is_not_the_day_after(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    def page(symbol: str, window: Window) -> Parsed:
        return days(symbol, Window(window.start, window.end + timedelta(days=1)))

    serve(daily_source(page=page))
    land(settings, clock)
    assert lake.newest_day(settings) == DAY.start
