"""A lake of one source without going through HTTP, and one `dbt run` on it, measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines import sources
from pipelines.core.tables import EXTRACTION, QUARANTINE, Table

REPO = Path(__file__).resolve().parents[1]
LOAD = "1700000000.0"
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)


def write_lake(
    folder: Path, source: str, connection: duckdb.DuckDBPyConnection, queries: Mapping[str, str]
) -> dict[str, int]:
    """Write the queries' rows as one load of the source, in the types of its tables.

    Args:
        folder: the data directory to be.
        source: name of the source.
        connection: what the queries run on.
        queries: SQL by table; columns that a query lacks are NULL. The table `extraction` gets one
            line that tells of no entity: nothing is deleted by its absence.

    Returns:
        The count of rows by table.
    """
    stamp = f"timestamptz '{NOW.isoformat()}' as fetched_at, '{LOAD}' as _dlt_load_id"
    tables = {table.name: table for table in (*sources.tables(source), EXTRACTION, QUARANTINE)}
    extraction = (
        "select 'none' as table_name, '*' as entity_id, 'ok' as status, 1 as request_count, "
        "0 as retry_count, 0 as throttle_count, 0 as rows_landed, 0 as rows_quarantined, "
        "0 as byte_count, 0.0 as duration_s, 'benchmark' as run_id"
    )
    lines = []
    for name, query in {**queries, "extraction": extraction}.items():
        path = f"raw/{source}/{name}/load_date={NOW.date()}/{LOAD}.parquet"
        target = folder / "lake" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"copy (select {_typed(tables[name], connection, query)}, {stamp} from ({query})) "
            f"to '{target}' (format parquet)"
        )
        (count,) = connection.sql(f"select count(*) from '{target}'").fetchone() or (0,)
        lines.append((source, name, LOAD, path, NOW, NOW, count, target.stat().st_size))
    connection.execute(
        "create table catalog (source text, table_name text, load_id text, path text, "
        "completed_at timestamptz, fetched_at timestamptz, row_count bigint, byte_count bigint)"
    )
    connection.executemany("insert into catalog values (?, ?, ?, ?, ?, ?, ?, ?)", lines)
    connection.execute(f"copy catalog to '{folder}/lake/catalog.parquet' (format parquet)")
    return {line[1]: int(line[6]) for line in lines}


def _typed(table: Table, connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the table's columns in its types; NULL where the query has none."""
    types = {"text": "text", "decimal": "decimal(38, 18)", "integer": "bigint"}
    types |= {"double": "double", "boolean": "boolean", "timestamp": "timestamptz"}
    there = set(connection.sql(query).columns)
    return ", ".join(
        f"cast({column.name if column.name in there else 'null'} as {types[column.kind]}) "
        f"as {column.name}"
        for column in table.columns
        if column.name != "fetched_at"
    )


@dataclass(frozen=True)
class Built:
    """A build's cost: seconds by the clock, seconds of the processors, peak memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s ({self.cpu_seconds:.0f} s of processors), "
            f"peak {self.peak_mib:,.0f} MiB"
        )


def build(folder: Path, selected: str) -> Built:
    """Build the marts from nothing in a process of its own."""
    target = str(folder / "dbt")
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "run", "--threads", "2", "--project-dir", str(REPO / "dbt")]
    command += ["--profiles-dir", str(REPO / "dbt"), "--select", *selected.split()]
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPO),
        "TOKENMART_DATA_DIR": str(folder),
        "DBT_TARGET_PATH": target,
        "DBT_LOG_PATH": target,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    seed = [str(dbt), "--quiet", "seed", "--project-dir", str(REPO / "dbt")]
    seed += ["--profiles-dir", str(REPO / "dbt")]
    subprocess.run(seed, env=environment, check=True)
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("dbt failed; its output says why")
    return Built(
        time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    )
