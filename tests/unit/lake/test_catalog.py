"""The catalog: what of the lake may be read."""

import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.files import FileDamaged
from pipelines.core.settings import (
    REPO_DIR,
    Settings,
    child_environment,
)
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction.parsing import Parsed
from pipelines.lake import upkeep
from pipelines.lake.catalog import (
    CATALOG,
    LakeDamaged,
    newest_day,
    read_catalog,
    write_catalog,
)
from tests.unit.fake_source import daily_source, days, instant
from tests.unit.lake.conftest import DAY, land, read

KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from pipelines import sources
from pipelines.lake import landing
from pipelines.extraction import universe
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from tests.unit.fake_source import daily_source, instant, use

parts = use(daily_source())
sources.source, sources.tables = parts["pipelines.sources.source"], parts["pipelines.sources.tables"]
universe.codes = parts["pipelines.extraction.universe.codes"]
# the files are there, and the process dies before the load is marked complete
FilesystemClient.complete_load = lambda self, load_id: os._exit(9)
settings = Settings(data_dir=Path(sys.argv[1]), sandbox_url="http://127.0.0.1:9", _env_file=None)
landing.land("kraken", Window.of_day(date(2025, 11, 10)), settings, FixedClock(instant(2025, 11, 11, 6)), "r")
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
    assert write_catalog(settings).is_empty()
    repeated = land(settings, clock)
    assert write_catalog(settings)["load_id"].unique().to_list() == [repeated.load_id]
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
    assert write_catalog(settings).is_empty()
    file.write_bytes(whole)
    assert write_catalog(settings).height == 2


def test_the_catalog_forgets_files_that_are_gone_when_it_is_told_to(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    kept = land(settings, clock).load_id
    catalog = write_catalog(settings)
    for path in catalog.filter(pl.col("load_id") != kept)["path"]:
        (Path(settings.lake_dir) / path).unlink()
    with pytest.raises(LakeDamaged):
        write_catalog(settings)
    upkeep.mend(settings)
    assert write_catalog(settings)["load_id"].unique().to_list() == [kept]


def test_the_catalog_of_an_empty_lake(settings: Settings) -> None:
    assert read_catalog(settings).is_empty()
    catalog = write_catalog(settings)
    assert catalog.is_empty()
    assert read_catalog(settings).schema == catalog.schema
    assert (Path(settings.lake_dir) / CATALOG).exists(), "readers need the file"


def test_the_catalog_does_not_depend_on_what_it_was(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    write_catalog(settings)
    land(settings, clock)
    step_by_step = write_catalog(settings)
    (Path(settings.lake_dir) / CATALOG).unlink()
    assert write_catalog(settings).equals(step_by_step)
    assert read_catalog(settings).equals(step_by_step)


def test_the_catalog_says_how_far_each_table_reaches(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    """The rows' own instants, and not the window that was asked for; a log is about none."""
    land(settings, clock)
    reached = dict(write_catalog(settings).select("table_name", "newest_at").iter_rows())
    assert reached == {"daily": instant(2025, 11, 10), "extraction": None}


def test_a_catalog_of_before_files_were_hashed_is_completed(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    whole = write_catalog(settings)
    whole.drop("sha256").write_parquet(Path(settings.lake_dir) / CATALOG)
    assert read_catalog(settings)["sha256"].null_count() == whole.height
    assert write_catalog(settings).equals(whole)


def test_a_catalog_of_an_earlier_version_keeps_its_hashes(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    """A file that was changed since must not get a new hash because a column is new."""
    land(settings, clock)
    whole = write_catalog(settings)
    earlier = whole.drop("newest_at").with_columns(sha256=pl.lit("of the file as it was landed"))
    earlier.write_parquet(Path(settings.lake_dir) / CATALOG)
    kept = write_catalog(settings)
    assert kept["sha256"].unique().to_list() == ["of the file as it was landed"]
    assert kept.drop("sha256", "newest_at").equals(whole.drop("sha256", "newest_at"))


def test_readers_never_meet_half_a_catalog(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    land(settings, clock)
    write_catalog(settings)
    done = threading.Event()

    def rewrite() -> None:
        for _ in range(25):
            write_catalog(settings)
        done.set()

    writers = [threading.Thread(target=rewrite) for _ in range(2)]
    for writer in writers:
        writer.start()
    heights = set()
    while not done.is_set():
        heights.add(pl.read_parquet(Path(settings.lake_dir) / CATALOG).height)
    for writer in writers:
        writer.join()
    assert heights == {2}
    assert [file.name for file in Path(settings.lake_dir).iterdir() if file.is_file()] == [
        CATALOG
    ], "nothing is left beside it"


def test_a_failed_write_leaves_the_old_catalog(
    serve: Any, settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, clock)
    before = write_catalog(settings)
    land(settings, clock)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_catalog(settings)
    assert read_catalog(settings).equals(before)
    names = [file.name for file in Path(settings.lake_dir).iterdir() if file.is_file()]
    assert names == [CATALOG], "nothing half-written may be left beside it"


def test_the_newest_day_is_reported_by_the_lake_alone(
    serve: Any, settings: Settings, clock: FixedClock, tmp_path: Path
) -> None:
    assert newest_day(settings) is None, "nothing was landed"
    land(settings, clock)
    early = Window.of_day(date(2025, 3, 2))
    land(settings, clock, early, run_id="an older day, landed later")

    shutil.copytree(settings.lake_dir, tmp_path / "restored" / "lake")
    restored = settings.model_copy(update={"data_dir": tmp_path / "restored"})
    Path(restored.lake_dir, CATALOG).unlink()
    assert newest_day(restored) == DAY.start


def test_a_label_at_the_end_of_a_day_is_not_the_day_after(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    def page(symbol: str, window: Window) -> Parsed:
        return days(symbol, Window(window.start, window.end + timedelta(days=1)))

    serve(daily_source(page=page))
    land(settings, clock)
    assert newest_day(settings) == DAY.start


@pytest.mark.parametrize("damage", ["gone", "empty", "torn"])
def test_a_lost_or_damaged_catalog_is_made_anew(
    serve: Any, settings: Settings, clock: FixedClock, damage: str
) -> None:
    land(settings, clock)
    before = write_catalog(settings)
    path = Path(settings.lake_dir) / CATALOG
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])

    assert read_catalog(settings).equals(before)
    assert path.read_bytes() == content


@pytest.mark.parametrize("table", ["_dlt_version", "_dlt_pipeline_state", "_dlt_loads"])
def test_what_dlt_was_writing_when_it_was_killed_does_not_stop_the_next_load(
    serve: Any, settings: Settings, clock: FixedClock, table: str
) -> None:
    land(settings, clock)
    notes = list((Path(settings.lake_dir) / "raw" / "kraken" / table).glob("*.jsonl"))
    assert notes, f"dlt keeps no {table} any more"
    newest = max(notes)
    newest.with_name(newest.name.replace("kraken__", "kraken__9", 1)).write_bytes(b"")

    assert land(settings, clock, run_id="run-2").load_id is not None


def test_the_folder_of_a_killed_load_is_deleted_by_the_next(
    serve: Any, settings: Settings, clock: FixedClock
) -> None:
    left, others = settings.dlt_dir / "kraken-0123", settings.dlt_dir / "kraken_futures-0123"
    for folder in (left, others):
        folder.mkdir(parents=True)
    land(settings, clock)
    assert list(settings.dlt_dir.iterdir()) == [others]


@pytest.mark.parametrize("damage", ["gone", "truncated", "unreadable and new"])
def test_rows_that_were_landed_are_never_left_out_in_silence(
    serve: Any, settings: Settings, clock: FixedClock, damage: str
) -> None:
    land(settings, clock)
    early = Window.of_day(date(2025, 3, 2))
    land(settings, clock, early, run_id="another load")
    before = write_catalog(settings)
    line = before.filter(pl.col("table_name") == "daily").row(0, named=True)
    path = Path(settings.lake_dir) / line["path"]
    if damage == "gone":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    if damage == "unreadable and new":
        (Path(settings.lake_dir) / CATALOG).unlink()

    with pytest.raises((LakeDamaged, FileDamaged), match=path.name) as caught:
        write_catalog(settings)
    assert "tokenmart lake mend" in str(caught.value)
    if damage != "unreadable and new":
        assert "of kraken.daily of 2025-" in str(caught.value)
        assert read_catalog(settings).equals(before), "the list is as it was"

    lost = upkeep.mend(settings)
    assert [found["path"] for found in lost] in ([line["path"]], [])
    assert write_catalog(settings)["path"].to_list() == [
        other for other in before["path"] if other != line["path"]
    ]
    assert (Path(settings.lake_dir) / "damaged" / line["path"]).exists() is (damage != "gone")
