"""The only place that opens DuckDB files.

One process with a file open for writing shuts out all others, and a reader shuts out the writer;
so connections are short, and both ways wait for a lock before they give up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.core.files import FileDamaged

LOCK_WAIT_S = 60.0
_FIRST_PAUSE_S = 0.1
# another process holds the file, or another thread of this one holds it the other way
_IN_USE = ("could not set lock on file", "different configuration than existing connections")
# the operating system's refusals: the file may be as it was
_REFUSED = ("cannot open file", "no space left", "permission denied", "read-only file system")
# what reading a block says that is not what was written; opening reads but a few of them
_CORRUPT = ("corrupt database file", "not a valid duckdb database file")
# no other file, no extension, and no way to change that
_CLOSED = {"enable_external_access": "false", "lock_configuration": "true"}
_REMEDY = (
    "`tokenmart rebuild` makes the warehouse anew from the lake; of publications `tokenmart "
    "rollback` goes to a whole one."
)


class WarehouseLocked(Exception):
    """Somebody else kept the file open for longer than we wait."""


def _connect(
    path: Path,
    *,
    read_only: bool,
    wait_s: float,
    config: Mapping[str, str | int] | None = None,
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_s
    pause = _FIRST_PAUSE_S
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only, config=dict(config or {}))
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            said = str(error).lower()
            if any(words in said for words in _REFUSED):
                raise
            if not any(words in said for words in _IN_USE):
                raise FileDamaged(path, "a DuckDB database", _REMEDY, error) from error
            if time.monotonic() + pause > deadline:
                raise WarehouseLocked(
                    f"{path} was in use by somebody else for {wait_s:g} s: {error}"
                ) from error
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
        except (
            duckdb.SerializationException,
            duckdb.FatalException,
            duckdb.InternalException,
        ) as error:
            raise FileDamaged(path, "a DuckDB database", _REMEDY, error) from error
        else:
            if not config:  # where it is locked it cannot be set: published instants have no zone
                connection.execute("set timezone = 'UTC'")
            return connection


@contextmanager
def read(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an existing DuckDB file read-only, in UTC.

    Raises:
        FileNotFoundError: there is no such file yet.
        FileDamaged: it is no database, or not a whole one.
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
        FileDamaged: it is no database, or not a whole one.
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


def open_shared(path: Path, limits: Mapping[str, str | int]) -> duckdb.DuckDBPyConnection:
    """Open a file that nobody writes any more, for queries of strangers; the caller closes it.

    Nothing but the file itself can be reached through it, and no query can change that.

    Args:
        path: a published database.
        limits: DuckDB's settings of memory and threads.

    Raises:
        FileNotFoundError: there is no such file.
        FileDamaged: it is no database, or not a whole one.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    return _connect(path, read_only=True, wait_s=0, config={**_CLOSED, **limits})


def set_aside_damaged(path: Path, *, wait_s: float = LOCK_WAIT_S) -> Path | None:
    """Open a file that can be made anew, and move it out of the way where that cannot be done.

    Whoever is still writing to it is waited for: after this, nobody is.

    Returns:
        Where the damaged file is now; None: there was none.

    Raises:
        WarehouseLocked: another process kept it open for `wait_s` seconds.
    """
    if not path.exists():
        _forget_log(path)
        return None
    try:
        with write(path, wait_s=wait_s):
            return None
    except FileDamaged:
        return set_aside(path)


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, over the one of the last time; return where it is now."""
    aside = path.with_name(f"{path.name}.damaged")
    _forget_log(path)
    path.replace(aside)
    return aside


def remove(path: Path) -> None:
    """Delete a file that can be made anew."""
    _forget_log(path)
    path.unlink(missing_ok=True)


def says_corrupt(message: str) -> bool:
    """Tell whether a message of DuckDB is about its own file, and that it cannot be read."""
    return any(words in message.lower() for words in _CORRUPT)


def _forget_log(path: Path) -> None:
    """Delete the log of the last writes, always before its file: a new one must not get them."""
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


@contextmanager
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory DuckDB, in UTC."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    try:
        yield connection
    finally:
        connection.close()
