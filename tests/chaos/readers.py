"""Readers under fire: many processes ask while one publication follows another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from assets.dbt_project import contracts
from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, FixedClock, start_of
from pipelines.validation import measures
from tests.chaos import reader
from tests.chaos.reader import Broken

KINDS = ("duckdb", "polars", "sqlalchemy")
# keeps one connection open from before the first publication to after the last
HOLDER = "holder"
# readers give way to what they look at
_NICE = ("nice", "-n", "5")
_END_S = 120


@dataclass(frozen=True)
class Seen:
    """What one reader has seen.

    Attributes:
        kind: how it asks.
        rounds: how often it has asked.
        failed: how often that did not do, or not with an answer from one version.
        failures: some of them in words.
        versions: the versions that its answers were of.
    """

    kind: str
    rounds: int
    failed: int
    failures: tuple[str, ...]
    versions: tuple[str, ...]


@contextmanager
def reading(
    kind: str, published: Path, *arguments: str, python: str | Path = sys.executable
) -> Iterator[list[Seen]]:
    """Let a reader ask as long as the block runs; the list has what it has seen when it is over."""
    process = subprocess.Popen(
        [*_NICE, python, reader.__file__, kind, published, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    seen: list[Seen] = []
    try:
        if (said := process.stdout.readline().strip()) != reader.READY:
            raise Broken(f"a reader does not begin: {said}")
        yield seen
        process.stdin.close()
        found: dict[str, Any] = json.loads(process.stdout.read())
        process.wait(_END_S)
        seen.append(
            Seen(
                kind,
                found["rounds"],
                found["failed"],
                tuple(found["failures"]),
                tuple(found["versions"]),
            )
        )
    finally:
        process.kill()
        process.wait()


def stamp_columns(settings: Settings) -> dict[str, str]:
    """Return a column of each mart that a publication's number can be written into."""
    with warehouse.read(settings.warehouse_path) as connection:
        found = connection.execute(
            """
            select columns.table_name, min(columns.column_name)
            from duckdb_columns() as columns
            inner join duckdb_tables() as tables using (schema_name, table_name)
            where columns.schema_name = 'marts' and columns.data_type = 'DOUBLE'
            group by columns.table_name
            """
        ).fetchall()
    sizes = measures.mart_sizes(settings)
    return {mart: column for mart, column in found if sizes[mart].rows}


def publish_number(settings: Settings, columns: dict[str, str], number: int) -> None:
    """Write a number into every mart of the warehouse, and publish it."""
    with warehouse.write(settings.warehouse_path) as connection:
        for mart, column in columns.items():
            connection.execute(f'update marts."{mart}" set "{column}" = {number}')
    day = measures.newest_day(settings)
    assert day is not None
    clock = FixedClock(start_of(day + 2 * DAY) + timedelta(minutes=number))
    publishing.publish(settings, clock, f"publication-{number}", (), contracts())
    kept = publishing.publications(settings)
    if len(kept) != min(settings.keep_publications, kept[-1].sequence):
        raise Broken(f"{len(kept)} versions are whole, {settings.keep_publications} are kept")


def under_fire(settings: Settings, python: Path, *, publications: int, readers: int) -> list[Seen]:
    """Publish the built marts many times while readers of all kinds ask.

    Args:
        settings: of a built warehouse; its marts are written over.
        python: an interpreter that has all clients.
        publications: how often.
        readers: how many processes ask, beside one that keeps its connection.

    Returns:
        What each reader has seen.
    """
    columns = stamp_columns(settings)
    publish_number(settings, columns, 0)
    with ExitStack() as stack:
        seen = [
            stack.enter_context(
                reading(
                    kind, settings.published_dir, json.dumps(columns), f"{number}", python=python
                )
            )
            for number, kind in enumerate(
                [HOLDER, *(KINDS[number % len(KINDS)] for number in range(readers))]
            )
        ]
        for number in range(1, publications + 1):
            publish_number(settings, columns, number)
    return [one for found in seen for one in found]
