"""The publications that are served: which is current, and one open database for each that is asked.

An answer comes from one edition from its first byte to its last, whatever is published meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.core.files import FileDamaged
from pipelines.core.warehouse import open_shared
from pipelines.publishing.catalog import Catalog, read_catalog
from pipelines.publishing.manifest import Manifest
from pipelines.publishing.pointer import current_version
from pipelines.serving.problems import Problem

_OPEN_EDITIONS = 4
_PAUSE_S = 0.5


class Edition:
    """One open publication.

    Attributes:
        manifest: what it says about itself.
        catalog: its marts with their columns and meanings.
        readers: how many have it now.
        directories: by mart of things with symbols: their ids, and symbols with the ids that have
            them; read when first needed.
    """

    def __init__(self, folder: Path, limits: dict[str, str | int]) -> None:
        self.folder = folder
        self.manifest = Manifest.load(folder)
        self._connection = open_shared(folder / self.manifest.database, limits)
        self.catalog: Catalog = read_catalog(self.manifest, self._connection)
        self.readers = 0
        self.directories: dict[str, tuple[frozenset[str], dict[str, tuple[str, ...]]]] = {}

    @property
    def version(self) -> str:
        """Its name."""
        return self.manifest.version

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own to the same database; close it after use."""
        return self._connection.cursor()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query that has few, each by its columns."""
        cursor = self.cursor()
        try:
            found = cursor.execute(sql, list(values))
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        finally:
            cursor.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


class Shelf:
    """The publications of one data folder.

    Args:
        published_dir: where they are.
        memory: the most that the queries of one edition may take together, as DuckDB writes it.
        threads: that one edition's queries share.
    """

    def __init__(self, published_dir: Path, *, memory: str = "256MB", threads: int = 2) -> None:
        self._dir = published_dir
        self._limits: dict[str, str | int] = {"memory_limit": memory, "threads": threads}
        self._editions: OrderedDict[str, Edition] = OrderedDict()
        self._lock = threading.Lock()

    def current_version(self) -> str:
        """Return the current publication's name.

        Raises:
            Problem: nothing is published.
        """
        version = current_version(self._dir)
        if version is None:
            raise Problem(
                "nothing-published", 503, "nothing is published yet: run `tokenmart daily` first"
            )
        return version

    def current_folder(self) -> Path:
        """Return the current publication's folder.

        Raises:
            Problem: nothing is published.
        """
        return self._dir / self.current_version()

    async def next_version(self, version: str, until: float) -> None:
        """Wait for another current publication; at most until an instant of the monotonic clock.

        The pointer is looked at, and no database.
        """
        while time.monotonic() < until and self.current_version() == version:
            await asyncio.sleep(min(_PAUSE_S, max(0.0, until - time.monotonic())))

    def versions(self) -> tuple[Manifest, ...]:
        """Return the manifests of the kept publications, oldest first."""
        found = []
        for path in self._dir.glob("*/manifest.json"):
            if path.parent.name.startswith(".") or path.parent.is_symlink():
                continue
            try:
                found.append(Manifest.load(path.parent))
            except (FileDamaged, FileNotFoundError):
                continue  # being deleted, or damaged: `tokenmart status` says so
        return tuple(sorted(found, key=lambda manifest: manifest.sequence))

    def known_at(self, instant: datetime) -> str:
        """Return the version that was current at an instant.

        Raises:
            Problem: no kept publication is that old.
        """
        kept = self.versions()
        then = [manifest for manifest in kept if manifest.published_at <= instant]
        if not then:
            oldest = f"{kept[0].published_at:%Y-%m-%dT%H:%M:%SZ}" if kept else "none"
            raise Problem(
                "not-kept",
                404,
                # in its own zone: the first instants that can be written are in no other one
                f"no kept publication is as old as {instant.isoformat()}; "
                f"the oldest one is of {oldest}. The lake has what was known before: "
                "`tokenmart backfill` with TOKENMART_NOW rebuilds it",
                oldest=oldest,
            )
        return max(then, key=lambda manifest: manifest.published_at).version

    @contextmanager
    def edition(self, version: str | None = None) -> Iterator[Edition]:
        """Lend an edition; it stays open until it is given back.

        Args:
            version: its name; None: the current one.

        Raises:
            Problem: there is no such publication (any more), or it cannot be read.
        """
        lent = self.borrow(version)
        try:
            yield lent
        finally:
            self.give_back(lent)

    def borrow(self, version: str | None = None) -> Edition:
        """Lend an edition until `give_back`; see `edition`."""
        name = version or self.current_version()
        with self._lock:
            edition = self._editions.get(name) or self._open(name)
            self._editions[name] = edition
            self._editions.move_to_end(name)
            edition.readers += 1
            self._close_idle()
        return edition

    def give_back(self, edition: Edition) -> None:
        """Take back what `borrow` lent."""
        with self._lock:
            edition.readers -= 1
            self._close_idle()

    def close(self) -> None:
        """Close all editions."""
        with self._lock:
            for edition in self._editions.values():
                edition.close()
            self._editions.clear()

    def _open(self, version: str) -> Edition:
        kept = [
            folder.name
            for folder in self._dir.glob("*")
            if folder.is_dir() and not folder.is_symlink() and not folder.name.startswith(".")
        ]
        # compared with the names that there are, so that no path can be asked for
        if version not in kept:
            raise Problem(
                "unknown-version",
                404,
                f"there is no publication {version[:100]!r} (any more); /v1/versions lists those "
                "that are kept",
            )
        try:
            return Edition(self._dir / version, self._limits)
        except (FileDamaged, FileNotFoundError, duckdb.Error) as error:
            raise Problem(
                "unreadable-version",
                503,
                f"the publication {version} cannot be read; another version may be: /v1/versions",
            ) from error

    def _close_idle(self) -> None:
        idle = [name for name, edition in self._editions.items() if not edition.readers]
        for name in idle[: max(0, len(self._editions) - _OPEN_EDITIONS)]:
            self._editions.pop(name).close()
