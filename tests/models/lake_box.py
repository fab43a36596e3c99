"""A lake in a box: golden rows as Parquet files and a catalog, dbt on top, results back.

The lake is written in exactly the layout and types that `pipelines.lake` writes (the
tables' declarations are the parsers' own), so a model test starts where production starts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.dbt_project import dbt_environment
from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.tables import EXTRACTION, QUARANTINE, Table
from tests.models.quick_dbt import hurry

REPO = Path(__file__).resolve().parents[2]
DBT_DIR = REPO / "dbt"
PARTIAL_PARSE = "partial_parse.msgpack"

Row = Mapping[str, Any]


def at(text: str) -> datetime:
    """Return the UTC instant of an ISO text; a day means its first instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(start: str, count: int) -> list[date]:
    first = date.fromisoformat(start)
    return [first + timedelta(days=number) for number in range(count)]


def day_start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One request of a load: its line in the extraction log."""

    table: str
    entity: str = "*"
    start: datetime | None = None
    end: datetime | None = None
    status: str = "ok"
    rows_quarantined: int = 0


@dataclass
class LakeBox:
    """One lake and one warehouse in a temporary data directory."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    _catalog: list[dict[str, Any]] = field(default_factory=list)
    _sequence: int = 0

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"

    @property
    def warehouse(self) -> Path:
        return self.data_dir / "warehouse.duckdb"

    def load(
        self,
        source: str,
        rows: Mapping[str, Iterable[Row]],
        *,
        fetched_at: datetime | str,
        asked: Sequence[Asked] = (),
        load_id: str | None = None,
        run_id: str = "run",
        is_complete: bool = True,
    ) -> str:
        """Append one load; return its id. An incomplete load leaves files, but no catalog line."""
        instant = at(fetched_at) if isinstance(fetched_at, str) else fetched_at
        self._sequence += 1
        load_id = load_id or f"17000000{self._sequence:02d}.0"
        declared = {
            table.name: table for table in (*sources.tables(source), EXTRACTION, QUARANTINE)
        }
        rows = {name: list(content) for name, content in rows.items()}
        unknown = set(rows) - set(declared)
        assert not unknown, f"{source} has no table {unknown}"
        log = [
            {
                "table_name": request.table,
                "entity_id": request.entity,
                "window_start": request.start,
                "window_end": request.end,
                "status": request.status,
                "request_count": 1,
                "retry_count": 0,
                "throttle_count": 0,
                "rows_landed": len(_answered(declared[request.table], rows, request.entity)),
                "rows_quarantined": request.rows_quarantined,
                "byte_count": 100,
                "duration_s": 0.1,
                "run_id": run_id,
            }
            for request in asked
        ]
        for name, content in {**rows, EXTRACTION.name: log}.items():
            frame = [{"fetched_at": instant, **row, "_dlt_load_id": load_id} for row in content]
            path = (
                self.lake_dir
                / f"raw/{source}/{name}/load_date={instant:%Y-%m-%d}"
                / f"{load_id}.{self._sequence:04d}.parquet"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            table = _arrow(frame, declared[name])
            pq.write_table(table, path)
            if is_complete:
                self._catalog.append(
                    {
                        "source": source,
                        "table_name": name,
                        "load_id": load_id,
                        "path": str(path.relative_to(self.lake_dir)),
                        "completed_at": instant,
                        "fetched_at": instant if frame else None,
                        "row_count": len(frame),
                        "byte_count": path.stat().st_size,
                        "newest_at": _newest(table, declared[name]),
                    }
                )
        self.write_catalog()
        return load_id

    def write_catalog(self, only: Iterable[str] | None = None) -> None:
        """Write the catalog, of all complete loads or of some: the rest has not arrived yet."""
        wanted = None if only is None else set(only)
        lines = [line for line in self._catalog if wanted is None or line["load_id"] in wanted]
        schema = {
            "source": pl.String,
            "table_name": pl.String,
            "load_id": pl.String,
            "path": pl.String,
            "completed_at": pl.Datetime("us", "UTC"),
            "fetched_at": pl.Datetime("us", "UTC"),
            "row_count": pl.Int64,
            "byte_count": pl.Int64,
            "newest_at": pl.Datetime("us", "UTC"),
        }
        self.lake_dir.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(lines, schema=schema).write_parquet(self.lake_dir / "catalog.parquet")

    def dbt(self, *arguments: str, check: bool = True) -> Any:
        """Run dbt in this process on this box and let go of the warehouse."""
        with _environment({"TOKENMART_DATA_DIR": str(self.data_dir), **self.environment}):
            return run_dbt(*arguments, check=check)

    def build(self, *arguments: str, check: bool = True) -> Any:
        """Run `dbt build` without unit tests, which have a test of their own."""
        return self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, check=check)

    def run(self, select: str) -> Any:
        """Build the models of a selection, without tests; seeds only if they are not there yet."""
        if not self.warehouse.exists():
            self.dbt("seed")
        # not `build`: it works out for each model which tests it has to wait for
        return self.dbt("run", "--select", select)

    def write_seed(self, seed: str, *rows: str) -> None:
        """Put a test's own rows, SQL each, in the place of a seed's."""
        if not self.warehouse.exists():
            self.dbt("seed")
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute("set timezone = 'UTC'")
            (schema,) = connection.execute(
                "select schema_name from duckdb_tables() where table_name = $1", [seed]
            ).fetchone() or ("",)
            connection.execute(f"delete from {schema}.{seed}")
            for row in rows:
                connection.execute(f"insert into {schema}.{seed} {row}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = duckdb.connect(str(self.warehouse), read_only=True)
        try:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def frame(self, sql: str) -> pl.DataFrame:
        connection = duckdb.connect(str(self.warehouse), read_only=True)
        try:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).pl()
        finally:
            connection.close()

    def verdict(self, test: str) -> tuple[str, list[tuple[Any, ...]]]:
        """Run one data test; return what it says (pass, warn, fail) and the rows that it found."""
        result = self.dbt("test", "--select", test, check=False)
        found = [one for one in result.result.results if one.node.name.startswith(test)]
        assert len(found) == 1, f"{test} names {len(found)} tests: {failures(result)}"
        return str(found[0].status), self.query(found[0].node.compiled_code)

    @contextmanager
    def tampered(self, *statements: str) -> Iterator[LakeBox]:
        """Give a copy of the warehouse whose tables were changed by hand, for tests to find."""
        with TemporaryDirectory() as folder:
            box = LakeBox(Path(folder), self.environment)
            shutil.copy(self.warehouse, box.warehouse)
            with duckdb.connect(str(box.warehouse)) as connection:
                connection.execute("set timezone = 'UTC'")
                for statement in statements:
                    (changed,) = connection.execute(statement).fetchone() or (0,)
                    assert changed > 0, f"nothing was changed by: {statement}"
            yield box

    def drop_warehouse(self) -> None:
        for path in self.data_dir.glob("warehouse.duckdb*"):
            path.unlink()


def _answered(table: Table, rows: Mapping[str, Iterable[Row]], entity: str) -> list[Row]:
    """Return the rows that answer the question for an entity; '*': for a whole table."""
    content = rows.get(table.name, ())
    return [row for row in content if entity in ("*", str(row.get(table.key[0])))]


def _arrow(rows: list[dict[str, Any]], table: Table) -> pa.Table:
    schema = table.arrow_schema().append(pa.field("_dlt_load_id", pa.string()))
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"{table.name} has no column {unknown}"
    arrays = []
    for column in schema:
        values = [row.get(column.name) for row in rows]
        if pa.types.is_decimal(column.type):
            values = [None if value is None else Decimal(str(value)) for value in values]
        arrays.append(pa.array(values, type=column.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _newest(rows: pa.Table, table: Table) -> datetime | None:
    """Return the newest instant that the rows are about, as the catalog has it."""
    if table.time_column is None:
        return None
    newest: datetime | None = pc.max(rows[table.time_column]).as_py()
    return newest


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_MANIFEST: Any = None
_TARGET: Path | None = None


def prepare(target: Path, parsed: Path) -> None:
    """Choose where dbt writes its artifacts, and load the parse that all processes share."""
    global _TARGET, _MANIFEST  # noqa: PLW0603  # one manifest per process is the point
    _TARGET = target
    hurry()
    # dbt takes a parse of the same profile alone, and that names the data folder
    with _environment(dbt_environment(Settings(), target)):
        result = _invoke(
            "parse", "--partial-parse-file-path", str(parsed / PARTIAL_PARSE), manifest=None
        )
    assert result.success, f"dbt parse failed: {result.exception}"
    _MANIFEST = result.result


def manifest() -> Any:
    """Return the parsed project."""
    assert _MANIFEST is not None, "use the fixture `dbt_target`"
    return _MANIFEST


def run_dbt(*arguments: str, check: bool = True) -> Any:
    result = _invoke(*arguments, manifest=manifest())
    if check:
        assert result.success, failures(result)
    return result


def _invoke(*arguments: str, manifest: Any) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    assert _TARGET is not None, "use the fixture `lake_box`"
    try:
        return dbtRunner(manifest=manifest).invoke(
            [
                *arguments,
                "--project-dir",
                str(DBT_DIR),
                "--profiles-dir",
                str(DBT_DIR),
                "--target-path",
                str(_TARGET),
                "--log-path",
                str(_TARGET),
                "--log-level",
                "none",
                "--log-level-file",
                "none",
                "--no-write-json",
            ]
        )
    finally:
        # dbt keeps the file open after an invocation: nobody else could read the warehouse
        DuckDBConnectionManager.close_all_connections()


def failures(result: Any) -> str:
    """Say what went wrong in an invocation: nodes, statuses, messages."""
    if result.result is None or not hasattr(result.result, "results"):
        return f"dbt failed: {result.exception}"
    lines = [
        f"{item.node.unique_id}: {item.status}: {item.message}"
        for item in result.result.results
        if str(item.status) not in ("success", "pass", "skipped", "warn", "no-op")
    ]
    return "\n".join(lines) or f"dbt failed: {result.exception}"


def clear(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
