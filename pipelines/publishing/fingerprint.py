"""A content hash of a table that does not depend on the order of its rows or on its file.

Each row is written as text: every column's DuckDB text form (shortest round-trip for floats, all
digits for decimals, UTC for instants), with a marker for NULL and a separator between columns,
columns in alphabetical order. The two 64-bit halves of each row's MD5 are summed over the table as
128-bit integers: addition commutes, so any order and any split into files give the same sums, and
unlike with xor two equal rows do not cancel. The sums, the row count and the columns' names and
types are then hashed together. MD5 is defined outside DuckDB, so hashes of different DuckDB
versions can be compared; it is used to notice change, not to resist an attacker.

The stamps that say when and by which version of the models a row was built, and not what it says,
are left out: two runs over the same observations publish the same hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_HALF = 2**64 - 1
STAMP_COLUMNS = frozenset({"as_of_ts", "model_version"})


@dataclass(frozen=True)
class Fingerprint:
    """Row count, day range and content hash of one table."""

    rows: int
    min_day: date | None
    max_day: date | None
    content_hash: str


def quoted(name: str) -> str:
    """Return `name` as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def row_text(columns: Mapping[str, str]) -> str:
    """Return the SQL expression of a row's text, over all columns but the stamps."""
    parts = [
        f"coalesce({quoted(name)}::varchar, chr(0))"
        for name in sorted(columns)
        if name not in STAMP_COLUMNS
    ]
    return f"concat_ws(chr(31), {', '.join(parts)})"


def fingerprint(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]
) -> Fingerprint:
    """Return the fingerprint of a relation.

    Args:
        connection: a connection whose session is in UTC.
        relation: the quoted name of the table or view.
        columns: its columns' names and types.
    """
    day = '"day"' if columns.get("day") == "DATE" else "null::date"
    row = connection.execute(
        f"""
        select
            count(*),
            coalesce(sum((digest & {_HALF}::uhugeint)::hugeint), 0)::varchar,
            coalesce(sum((digest >> 64)::hugeint), 0)::varchar,
            min(data_day),
            max(data_day)
        from (select md5_number({row_text(columns)}) as digest, {day} as data_day from {relation})
        """  # noqa: S608  # names come from the catalogue and are quoted
    ).fetchone()
    if row is None:
        raise RuntimeError(f"{relation} could not be read")
    rows, lower, upper, min_day, max_day = row
    kept = sorted((name, kind) for name, kind in columns.items() if name not in STAMP_COLUMNS)
    schema = ",".join(f"{name} {kind}" for name, kind in kept)
    text = f"{rows}|{lower}|{upper}|{schema}"
    return Fingerprint(rows, min_day, max_day, hashlib.sha256(text.encode()).hexdigest()[:32])


def row_sum(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]
) -> tuple[int, str]:
    """Return the number of rows and the sum of their hashes, in any order of the rows.

    DuckDB's own hash, twenty times as fast as the fingerprint and not the same in every version of
    it: for comparing two tables in one session.
    """
    names = ", ".join(quoted(name) for name in columns)
    row = connection.execute(
        f"select count(*), coalesce(sum(hash({names})::hugeint), 0)::varchar from {relation}"  # noqa: S608  # names from the catalogue, quoted
    ).fetchone()
    if row is None:
        raise RuntimeError(f"{relation} could not be read")
    return int(row[0]), str(row[1])
