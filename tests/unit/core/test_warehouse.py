"""DuckDB files: UTC, short connections, waiting for a lock."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.core import warehouse
from pipelines.core.files import FileDamaged

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    # the word in the folder's name must not be taken for a locked file
    file = tmp_path / "deadlock" / "w.duckdb"
    with warehouse.write(file) as connection:
        connection.execute(
            "create table t as select timestamptz '2024-05-01 00:00:00+02' as happened_at"
        )
    return file


def hold(path: Path, how: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def release(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=20)


def test_both_ways_are_in_utc(path: Path) -> None:
    query = "select happened_at, happened_at::varchar from t"
    for way in (warehouse.read, warehouse.write):
        with way(path) as connection:
            (row,) = connection.execute(query).fetchall()
        assert row[0] == datetime(2024, 4, 30, 22, tzinfo=UTC)
        assert row[1] == "2024-04-30 22:00:00+00"
    with warehouse.memory() as connection:
        assert connection.sql("select current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_reading_needs_a_file(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match="run `tokenmart daily` first"),
        warehouse.read(tmp_path / "none.duckdb"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_readers_cannot_write(path: Path) -> None:
    with warehouse.read(path) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("create table u (a int)")


@pytest.mark.parametrize(("way", "how"), [("read", "write"), ("write", "write"), ("write", "read")])
def test_a_lock_of_another_process_is_waited_for(path: Path, way: str, how: str) -> None:
    holder = hold(path, how)
    timer = threading.Timer(0.3, release, [holder])
    timer.start()
    started = time.monotonic()
    with getattr(warehouse, way)(path, wait_s=20) as connection:
        assert connection.sql("select count(*) from t").fetchall() == [(1,)]
    assert time.monotonic() - started > 0.2
    timer.join()


def test_the_waiting_ends(path: Path) -> None:
    holder = hold(path, "write")
    try:
        started = time.monotonic()
        with (
            pytest.raises(warehouse.WarehouseLocked, match=r"w\.duckdb was in use .* for 0\.3 s"),
            warehouse.read(path, wait_s=0.3),
        ):
            pass
        assert time.monotonic() - started < 2
    finally:
        release(holder)


def test_many_processes_may_read(path: Path) -> None:
    holder = hold(path, "read")
    try:
        with warehouse.read(path, wait_s=0.2) as connection:
            assert connection.sql("select count(*) from t").fetchall() == [(1,)]
    finally:
        release(holder)


def test_the_other_way_in_another_thread_is_waited_for(path: Path) -> None:
    is_open, may_close = threading.Event(), threading.Event()

    def write() -> None:
        with warehouse.write(path) as connection:
            is_open.set()
            may_close.wait(10)
            connection.execute("insert into t select * from t")

    thread = threading.Thread(target=write)
    thread.start()
    assert is_open.wait(10)
    with pytest.raises(warehouse.WarehouseLocked), warehouse.read(path, wait_s=0.2):
        pass
    may_close.set()
    with warehouse.read(path, wait_s=10) as connection:
        assert connection.sql("select count(*) from t").fetchall() == [(2,)]
    thread.join()


def test_a_file_that_is_no_database_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "lock" / "broken.duckdb"
    file.parent.mkdir()
    file.write_bytes(b"junk" * 5000)
    started = time.monotonic()
    for way in (warehouse.read, warehouse.write):
        with pytest.raises(FileDamaged, match="not a valid DuckDB"), way(file):
            pass
    assert time.monotonic() - started < 5


def test_an_error_inside_loses_the_transaction_and_frees_the_file(path: Path) -> None:
    def delete_and_fail() -> None:
        with warehouse.write(path) as connection:
            connection.begin()
            connection.execute("delete from t")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        delete_and_fail()
    with warehouse.read(path, wait_s=0.2) as connection:
        assert connection.sql("select count(*) from t").fetchall() == [(1,)]


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    with warehouse.write(path) as connection:
        connection.execute("insert into t select * from t")
    assert [file.name for file in path.parent.iterdir()] == ["w.duckdb"]


def _damage(path: Path, kind: str) -> None:
    size = path.stat().st_size
    if kind == "empty":
        os.truncate(path, 0)
    elif kind == "truncated":
        os.truncate(path, size * 9 // 10)
    elif kind == "overwritten":
        path.write_bytes(b"junk" * 5000)
    else:
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 8192)


@pytest.mark.parametrize("kind", ["empty", "truncated", "overwritten", "torn header"])
def test_a_damaged_file_is_moved_aside_at_once_and_made_anew(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "w.duckdb"
    with warehouse.write(path) as connection:
        connection.execute("create table t as select range as i from range(200000)")
    assert warehouse.set_aside_damaged(path) is None, "a whole file is left where it is"
    _damage(path, kind)
    path.with_name("w.duckdb.wal").write_bytes(b"the log of the damaged file")
    started = time.monotonic()

    aside = warehouse.set_aside_damaged(path)

    assert time.monotonic() - started < 5
    assert aside == tmp_path / "w.duckdb.damaged"
    assert [file.name for file in tmp_path.iterdir()] == [aside.name]
    with warehouse.write(path) as connection:
        assert connection.sql("from duckdb_tables()").fetchall() == []


def test_a_file_that_another_process_writes_is_waited_for_and_never_moved(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), "write"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        with pytest.raises(warehouse.WarehouseLocked):
            warehouse.set_aside_damaged(path, wait_s=0.3)
        assert path.exists()
    finally:
        holder.stdin.close()
        holder.wait(20)
    assert warehouse.set_aside_damaged(path) is None


def test_a_block_that_was_overwritten_is_told_from_other_errors(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with warehouse.write(path) as connection:
        connection.execute("create table t as select random() as r from range(500000)")
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(4096))

    with pytest.raises(duckdb.Error) as caught, warehouse.read(path) as connection:
        connection.execute("select sum(r) from t").fetchall()
    assert warehouse.says_corrupt(str(caught.value))
    assert not warehouse.says_corrupt("IO Error: No files found that match the pattern")
