"""The only place that opens DuckDB files.

One process with a file open for writing shuts out all others, and a reader shuts out the writer;
so connections are short, and both ways wait for a lock before they give up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

LOCK_WAIT_S = 60.0
_FIRST_PAUSE_S = 0.1
# another process holds the file, or another thread of this one holds it the other way
_IN_USE = ("could not set lock on file", "different configuration than existing connections")


class WarehouseLocked(Exception):
    """Somebody else kept the file open for longer than we wait."""


def _connect(path: Path, *, read_only: bool, wait_s: float) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_s
    pause = _FIRST_PAUSE_S
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            if not any(words in str(error).lower() for words in _IN_USE):
                raise
            if time.monotonic() + pause > deadline:
                raise WarehouseLocked(
                    f"{path} was in use by somebody else for {wait_s:g} s: {error}"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        else:
            connection.execute("set timezone = 'UTC'")
            return connection


@contextmanager
def read(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an existing DuckDB file read-only, in UTC.

    Raises:
        FileNotFoundError: there is no such file yet.
        WarehouseLocked: a writer kept it open for `wait_s` seconds.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist yet: run `tokenmart daily` first")
    connection = _connect(path, read_only=True, wait_s=wait_s)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def write(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB file for writing (made if absent), in UTC; checkpoint it when all went well.

    Raises:
        WarehouseLocked: another process kept it open for `wait_s` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, read_only=False, wait_s=wait_s)
    try:
        yield connection
        # without it a later commit may pay for the checkpoint, and a .wal file may stay behind
        connection.execute("checkpoint")
    finally:
        connection.close()


@contextmanager
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB, in UTC."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    try:
        yield connection
    finally:
        connection.close()
