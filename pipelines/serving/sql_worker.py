"""One query of a stranger, in a process of its own that ends with it: `python -m …sql_worker`.

Reads one line of JSON (`Order`) and writes one line of JSON, then the rows as an Arrow stream. What
the query may take is held by the operating system: memory, processor time, no file written. What
it may do is held by DuckDB: the file is read-only, nothing else can be reached, settings are
locked, and its own parser says that it is one statement, and a SELECT.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import pyarrow as pa

from pipelines.core.warehouse import open_shared

_BATCH_ROWS = 8_192
# what Python, DuckDB and Arrow map before a query begins, and need beside the queries' own memory
_BASE_BYTES = 3 << 30


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is asked for.

    Attributes:
        database: the published file.
        query: in SQL.
        memory_mb: that DuckDB may take.
        seconds: of processor time.
        rows: the most rows that are sent.
    """

    database: str
    query: str
    memory_mb: int
    seconds: int
    rows: int

    def encoded(self) -> bytes:
        """Return it as the line that the worker reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Refused(Exception):
    """A query that is not run, or was ended."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


def checked(query: str) -> str:
    """Return a query that is one SELECT.

    Raises:
        Refused: it is something else.
    """
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise Refused("wrong-sql", str(error)) from None
    if len(statements) != 1:
        raise Refused("one-statement", f"one SELECT is answered, not {len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused(
            "only-select", f"only a SELECT is answered, not {statements[0].type.name.lower()}"
        )
    return query


def main() -> int:
    """Answer one order."""
    line = sys.stdin.buffer.readline()
    if not line:
        return 0  # the service has ended before it had a query for us
    order = Order(**json.loads(line))
    _limit(order)
    out = sys.stdout.buffer
    try:
        _answer(order, out)
    except Refused as refused:
        _say(out, kind=refused.kind, detail=str(refused))
    except (duckdb.OutOfMemoryException, MemoryError):
        _say(
            out,
            kind="query-too-large",
            detail=f"the query needs more than {order.memory_mb} MB: ask for fewer rows or columns",
        )
    except duckdb.Error as error:
        folder = str(Path(order.database).parent)
        said = str(error).replace(folder, "").replace(str(Path.cwd()), "")
        _say(out, kind="wrong-sql", detail=said)
    return 0


def _limit(order: Order) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_BASE_BYTES + (order.memory_mb << 20),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (order.seconds, order.seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)


def _answer(order: Order, out: BinaryIO) -> None:
    query = checked(order.query)
    limits: dict[str, str | int] = {
        "memory_limit": f"{order.memory_mb}MB",
        "threads": 1,
        "max_temp_directory_size": "0B",
    }
    with open_shared(Path(order.database), limits) as connection:
        reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
        # the first rows before the first word: most queries that fail do so by then
        first = next(reader, None)
        _say(out, kind="rows")
        sent = 0
        with pa.ipc.new_stream(out, reader.schema) as writer:
            for batch in _chain(first, reader):
                if sent + batch.num_rows > order.rows:
                    writer.write_batch(batch.slice(0, order.rows - sent))
                    break
                writer.write_batch(batch)
                sent += batch.num_rows


def _chain(first: pa.RecordBatch | None, rest: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    if first is not None:
        yield first
        yield from rest


def _say(out: BinaryIO, **said: str) -> None:
    out.write(json.dumps(said).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
