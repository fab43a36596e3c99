"""A reader of what is published, in a process of its own: it asks in a loop, as users do.

It knows nothing of the project but the two names that users open, `tokenmart.duckdb` and
`current.json`, and needs only the client that it tries. It ends when its standard input does, and
prints then how often it has asked and what was wrong.
"""

from __future__ import annotations

import json
import random
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DATABASE, DESCRIPTION = "tokenmart.duckdb", "current.json"
MARTS_A_ROUND = 5
READY = "ready"
_NAMED = 20
_PAUSE_S = 0.1
# who looks on for hours must not take the processor from what he looks at
_PAUSES_S = {"watch": 1.0}


class Broken(Exception):
    """Something that must hold does not; the message says what."""


def look(published: Path) -> tuple[str, str]:
    """Open what is published by both of its names, and count the rows of each mart.

    Returns:
        The version that SQL users see, and the one that `current.json` describes.

    Raises:
        Broken: one of them is not whole.
    """
    with _opened(published) as (connection, version):
        manifest = _manifest(published / version / "manifest.json")
        for mart in manifest["marts"]:
            found = connection.execute(f"select count(*) from marts.{mart['name']}").fetchall()
            if found[0][0] != mart["rows"]:
                raise Broken(f"{version}: {mart['name']} has {found[0][0]} rows in the database")
    described = _manifest(published / DESCRIPTION)
    for mart in described["marts"]:
        size = (published / described["version"] / mart["parquet"]).stat().st_size
        if size != mart["parquet_bytes"]:
            raise Broken(f"{described['version']}: the copy of {mart['name']} has {size} bytes")
    return version, described["version"]


@contextmanager
def _opened(published: Path) -> Iterator[tuple[Any, str]]:
    """Yield a connection to the current publication, and the version that it really has open."""
    import duckdb

    with duckdb.connect(str(published / DATABASE), read_only=True) as connection:
        # by the name it may be another one in the meantime
        links = (link for link in Path("/proc/self/fd").iterdir() if link.exists())
        (path,) = {path for path in map(Path.readlink, links) if path.name == DATABASE}
        yield connection, path.parent.name


def _manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


class Stamped:
    """Readers of publications in which every mart has a column with the publication's number."""

    def __init__(self, published: Path, columns: dict[str, str], seed: str) -> None:
        self._published = published
        self._columns = columns
        self._chance = random.Random(seed)
        self._held: Any = None
        self._held_number: float | None = None

    def _some(self) -> dict[str, str]:
        marts = self._chance.sample(sorted(self._columns), MARTS_A_ROUND)
        return {mart: self._columns[mart] for mart in marts}

    def duckdb(self) -> float:
        """Ask a new connection to the file."""
        import duckdb

        with duckdb.connect(str(self._published / DATABASE), read_only=True) as connection:
            return _the_same(self._asked(lambda query: connection.execute(query).fetchall()[0]))

    def sqlalchemy(self) -> float:
        """Ask a new engine of the file."""
        import sqlalchemy

        address = f"duckdb:///{self._published / DATABASE}"
        engine = sqlalchemy.create_engine(address, connect_args={"read_only": True})
        try:
            with engine.connect() as connection:
                return _the_same(
                    self._asked(lambda query: connection.execute(sqlalchemy.text(query)).one())
                )
        finally:
            engine.dispose()

    def polars(self) -> float:
        """Read the Parquet copies that `current.json` names."""
        import polars as pl

        described = _manifest(self._published / DESCRIPTION)
        folder = self._published / described["version"] / "parquet"
        found = {float(described["run_id"].rpartition("-")[2])}
        for mart, column in self._some().items():
            values = pl.scan_parquet(folder / f"{mart}.parquet").select(column).collect()
            # what a publication says of itself are rows of its own, without the number
            found |= set(values[column].drop_nulls().unique())
        return _the_same(found)

    def holder(self) -> float:
        """Ask one and the same connection for ever, whatever is published and pruned meanwhile."""
        import duckdb

        if self._held is None:
            self._held = duckdb.connect(str(self._published / DATABASE), read_only=True)
        number = _the_same(self._asked(lambda query: self._held.execute(query).fetchall()[0]))
        if self._held_number not in (None, number):
            raise Broken(f"an open connection went from {self._held_number:g} to {number:g}")
        self._held_number = number
        return number

    def _asked(self, ask: Callable[[str], Any]) -> set[float]:
        found: set[float] = set()
        for mart, column in self._some().items():
            found |= set(ask(f'select min("{column}"), max("{column}") from marts."{mart}"'))
        return found


def _the_same(found: set[float]) -> float:
    if len(found) != 1:
        raise Broken(f"one answer from several publications: {sorted(found)}")
    return found.pop()


def repeat(ask: Callable[[], object], chance: random.Random, pause_s: float) -> dict[str, Any]:
    """Ask until nobody listens any more, with pauses of at most so long; return what came of it."""
    rounds, failures, seen = 0, [], set()
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            seen.add(str(ask()))
        except Exception as problem:  # noqa: BLE001  # whatever users would see
            failures.append(f"{type(problem).__name__}: {problem}"[:500])
        rounds += 1
        if rounds == 1:
            print(READY, flush=True)
        time.sleep(chance.uniform(0, pause_s))
    return {
        "rounds": rounds,
        "failed": len(failures),
        "failures": failures[:_NAMED],
        "versions": sorted(seen),
    }


def main(kind: str, published: Path, columns: str = "{}", seed: str = "1") -> None:
    """Read as `kind` does: `watch`, `duckdb`, `polars`, `sqlalchemy` or `holder`."""
    if kind == "watch":

        def ask() -> object:
            # until there is a first publication there is nothing to be read
            return look(published) if (published / DATABASE).is_symlink() else None
    else:
        ask = getattr(Stamped(published, json.loads(columns), seed), kind)
    found = repeat(ask, random.Random(seed), _PAUSES_S.get(kind, _PAUSE_S))
    print(json.dumps({"kind": kind, **found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
