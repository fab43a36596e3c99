"""The ledger of numbers: which `event_seq` each published event was given, for good.

Whoever polls remembers the last number that he saw. So a number must stay with its event whatever
is rebuilt, restated or rolled back, and what is new must get a number above all ever given. dbt
numbers the events (recorded ones keep theirs, others come after the last), and here the numbers of
a publication are written down before anybody can see it: append-only files in the lake, one per
publication and table. A crash between the two leaves numbers that nobody saw and nobody else gets.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.lake import storage
from pipelines.publishing.build import SCHEMA, PublishError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NUMBERED = {"alert": "alert_id", "signal_event": "event_id"}
"""Marts whose rows are numbered, and the key that the number belongs to."""

NUMBER = "event_seq"


def record_numbers(
    settings: Settings, database: Path, version: str, published_at: datetime
) -> dict[str, int]:
    """Write down the numbers that a publication gives to events for the first time.

    Args:
        settings: where the lake is.
        database: the publication's closed DuckDB file.
        version: the publication's name; names the files.
        published_at: when it is published.

    Returns:
        How many events of each numbered mart got their number now.

    Raises:
        PublishError: an event has another number than the one it was given before, or a number
            belongs to two events: the warehouse was built beside the ledger. Nothing is written.
    """
    news = {}
    with warehouse.read(database) as connection:
        for mart, key in _numbered(connection).items():
            connection.register("given", recorded_numbers(settings, mart))
            _refuse_renumbering(connection, mart, key)
            news[mart] = connection.execute(
                f"select {key}, {NUMBER} from {SCHEMA}.{mart} "  # noqa: S608  # names of our own
                f"where {key} not in (select {key} from given) order by {NUMBER}"
            ).to_arrow_table()
            connection.unregister("given")
    for mart, table in news.items():
        if table.num_rows:
            _write(settings, mart, version, table, published_at)
    return {mart: table.num_rows for mart, table in news.items()}


def recorded_numbers(settings: Settings, mart: str) -> pa.Table:
    """Return the ledger of a mart: one row per event with its key and `event_seq`."""
    import pyarrow as pa

    schema = pa.schema([(NUMBERED[mart], pa.string()), (NUMBER, pa.int64())])
    file_system, folder = _folder(settings, mart)
    tables = []
    for path in sorted(file_system.glob(f"{folder}/*.parquet")):
        found = storage.read_table(
            file_system,
            path,
            what=f"the numbers that a publication gave to rows of {mart}, for good",
            remedy="Restore it from a backup of the lake; without it numbers would be given twice.",
            columns=schema.names,
        )
        tables.append(found.cast(schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _folder(settings: Settings, mart: str) -> tuple[Any, str]:
    file_system, root = storage.bucket(settings)
    return file_system, f"{root}/raw/ops/{mart}"


def _numbered(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the numbered marts that the publication has, with their keys."""
    there = connection.execute(
        "select table_name from duckdb_columns() where schema_name = ? and column_name = ?",
        [SCHEMA, NUMBER],
    ).fetchall()
    return {mart: key for mart, key in NUMBERED.items() if (mart,) in there}


def _refuse_renumbering(connection: duckdb.DuckDBPyConnection, mart: str, key: str) -> None:
    columns = f"event.{key}, event.{NUMBER}, given.{key}, given.{NUMBER}"
    joined = f"select {columns} from {SCHEMA}.{mart} as event inner join given"  # noqa: S608  # names of our own
    wrong = connection.execute(
        f"{joined} on event.{key} = given.{key} where event.{NUMBER} != given.{NUMBER} "
        f"union all {joined} on event.{NUMBER} = given.{NUMBER} where event.{key} != given.{key} "
        "limit 1"
    ).fetchone()
    if wrong is not None:
        raise PublishError(
            f"{mart}: {wrong[0]} has the number {wrong[1]}, but the ledger has {wrong[3]} for "
            f"{wrong[2]}; the marts were built without it: build them again"
        )


def _write(
    settings: Settings, mart: str, version: str, numbers: pa.Table, published_at: datetime
) -> None:
    import pyarrow as pa

    instants = pa.array([published_at] * numbers.num_rows, pa.timestamp("us", tz="UTC"))
    file_system, folder = _folder(settings, mart)
    table = numbers.append_column("published_at", instants)
    storage.replace_table(file_system, f"{folder}/{version}.parquet", table)
