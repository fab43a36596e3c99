"""Builds one publication in a folder of its own: the DuckDB file, the comments, the Parquet copies.

Nothing here moves a pointer, and everything that is verified before the swap is verified here on
the closed and re-opened file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core import warehouse
from pipelines.publishing.fingerprint import fingerprint, quoted, row_sum
from pipelines.publishing.manifest import DATABASE_NAME, PARQUET_DIR, MartEntry
from pipelines.publishing.presentation import (
    LATEST,
    Presentation,
    Relation,
    has_latest,
    latest_query,
    present,
)
from pipelines.validation.report import CheckResult, to_arrow

if TYPE_CHECKING:
    import duckdb

SCHEMA = "marts"
CHECK_RESULT = "ops_check_result"
CATALOGUE = "meta_metric_catalog"
# what the publication itself completes differs from the warehouse, and is meant to
_COMPLETED = frozenset({CHECK_RESULT, CATALOGUE})
_RESULT_KEY = ("run_id", "check_kind", "check_name", "mart")

# every DuckDB since 1.0 can open it, whichever version wrote it
STORAGE_VERSION = "v1.0.0"

# the catalogue's name is the file's: the warehouse's own views spell it out
_SOURCE = "warehouse"
_TARGET = "target"


class PublishError(Exception):
    """The publication was not made; the last one is untouched. The message says what is wrong."""


def build(
    warehouse_path: Path,
    folder: Path,
    keys: Mapping[str, Sequence[str]],
    required: frozenset[str],
    check_results: Sequence[CheckResult],
) -> tuple[MartEntry, ...]:
    """Copy the schema `marts` into `folder` and describe what was copied.

    Args:
        warehouse_path: the warehouse; opened read-only.
        folder: an existing, empty folder.
        keys: each mart's key; rows are stored in its order.
        required: the marts that must be there and have rows.
        check_results: the current run's results, appended to `ops_check_result`.

    Returns:
        One entry per mart and view of its newest day, by name.

    Raises:
        PublishError: a required mart is missing or empty, or what was written differs from the
            warehouse.
    """
    database = folder / DATABASE_NAME
    with warehouse.memory() as connection:
        connection.execute(f"attach '{_literal(warehouse_path)}' as {_SOURCE} (read_only)")
        connection.execute(
            f"attach '{_literal(database)}' as {_TARGET} (storage_version '{STORAGE_VERSION}')"
        )
        relations = _relations(connection, _SOURCE)
        by_name = {relation.name: relation for relation in relations}
        _refuse_missing(set(by_name), required)
        presented = {
            name: present(relation, by_name, f"{_SOURCE}.{SCHEMA}")
            for name, relation in by_name.items()
        }
        connection.execute(f"create schema {_TARGET}.{SCHEMA}")
        for name, presentation in presented.items():
            _copy_table(connection, name, presentation, keys.get(name, ()))
        latest = _make_latest(connection, relations, keys)
        versions = _model_versions(connection)
        _append_results(connection, relations, check_results)
        _complete_catalogue(connection, presented)
        connection.begin()
        for name, relation in by_name.items():
            comments = {column.name: column.comment for column in presented[name].columns}
            _comment(connection, "table", name, relation.comment, comments)
            if name in latest:
                reported = (
                    f"The newest day of {name}. {relation.comment}" if relation.comment else None
                )
                _comment(connection, "view", latest[name], reported, comments)
        connection.commit()
        expected = {
            relation.name: _row_sum(connection, _SOURCE, relation) for relation in relations
        }
        connection.execute(f"checkpoint {_TARGET}")
        connection.execute(f"detach {_TARGET}")
    entries = _export(folder, database, latest, keys, versions)
    _verify(folder, entries, relations, expected, required, len(check_results))
    return entries


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")


def _relations(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[Relation]:
    described = connection.execute(
        """
        select table_name, comment from duckdb_tables()
        where database_name = $catalog and schema_name = $schema
        union all
        select view_name, comment from duckdb_views()
        where database_name = $catalog and schema_name = $schema and not internal
        order by 1
        """,
        {"catalog": catalog, "schema": SCHEMA},
    ).fetchall()
    columns = connection.execute(
        """
        select table_name, column_name, data_type, is_nullable, comment
        from duckdb_columns()
        where database_name = $catalog and schema_name = $schema
        order by table_name, column_index
        """,
        {"catalog": catalog, "schema": SCHEMA},
    ).fetchall()
    return [
        Relation(
            name=name,
            columns={column[1]: column[2] for column in columns if column[0] == name},
            nullable={column[1]: column[3] for column in columns if column[0] == name},
            comment=comment,
            column_comments={column[1]: column[4] for column in columns if column[0] == name},
        )
        for name, comment in described
    ]


def _refuse_missing(present: set[str], required: frozenset[str]) -> None:
    missing = sorted(required - present)
    if missing:
        raise PublishError(f"the warehouse lacks the marts {', '.join(missing)}")


def _copy_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    presentation: Presentation,
    key: Sequence[str],
) -> None:
    # a plain `create table as` would lose the NOT NULL of the contract
    columns = ", ".join(
        f"{quoted(column.name)} {column.kind}{'' if column.is_nullable else ' not null'}"
        for column in presentation.columns
    )
    target = f"{_TARGET}.{SCHEMA}.{quoted(name)}"
    connection.execute(f"create table {target} ({columns})")
    order = f"order by {', '.join(f'mart.{quoted(part)}' for part in key)}" if key else ""
    connection.execute(f"insert into {target} {presentation.query} {order}")


def _make_latest(
    connection: duckdb.DuckDBPyConnection,
    relations: Sequence[Relation],
    keys: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """Make the views of the newest day; return mart to view."""
    latest = {
        relation.name: f"{relation.name}{LATEST}"
        for relation in relations
        if has_latest(relation.columns, keys.get(relation.name, ()))
    }
    connection.execute(f"use {_TARGET}.{SCHEMA}")
    for mart, view in latest.items():
        query = latest_query(f"{SCHEMA}.{quoted(mart)}")
        connection.execute(f"create view {_TARGET}.{SCHEMA}.{quoted(view)} as {query}")
    connection.execute("use memory.main")
    return latest


def _model_versions(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return by which code each mart was built, as dbt noted it; nothing where it did not."""
    noted = connection.execute(
        "select 1 from duckdb_tables() "
        "where database_name = $catalog and schema_name = 'history' and table_name = 'built_mart'",
        {"catalog": _SOURCE},
    ).fetchone()
    if noted is None:
        return {}
    query = f"select mart, model_version from {_SOURCE}.history.built_mart"  # noqa: S608  # names of our own
    return dict(connection.execute(query).fetchall())


def _append_results(
    connection: duckdb.DuckDBPyConnection,
    relations: Sequence[Relation],
    results: Sequence[CheckResult],
) -> None:
    """Add the run's results, which dbt could not know yet, to `ops_check_result`."""
    known = next((relation for relation in relations if relation.name == CHECK_RESULT), None)
    if known is None or not results:
        return
    target = f"{_TARGET}.{SCHEMA}.{CHECK_RESULT}"
    connection.register("run_results", to_arrow(results))
    # what the build itself refused is of the same run, and stays
    connection.execute(
        f"delete from {target} using run_results as reported where "  # noqa: S608  # names of our own
        + " and ".join(f"{CHECK_RESULT}.{part} = reported.{part}" for part in _RESULT_KEY)
    )
    connection.execute(f"insert into {target} by name select * from run_results")  # noqa: S608  # names of our own
    connection.unregister("run_results")


def _complete_catalogue(
    connection: duckdb.DuckDBPyConnection, presented: Mapping[str, Presentation]
) -> None:
    """Let the dictionary say what is published: types as they are here, and the labels."""
    import pyarrow as pa

    if CATALOGUE not in presented:
        return
    columns = pa.Table.from_pylist(
        [
            {
                "mart": mart,
                "column_name": column.name,
                "column_position": position,
                "data_type": column.kind.lower(),
                "is_label": column.label is not None,
                "description": column.label.description if column.label else None,
                "null_rule": column.label.null_rule if column.label else None,
                "column_source": column.label.source if column.label else None,
            }
            for mart, presentation in presented.items()
            for position, column in enumerate(presentation.columns, start=1)
        ]
    )
    target = f"{_TARGET}.{SCHEMA}.{CATALOGUE}"
    connection.register("presented", columns)
    connection.execute(
        f"""
        update {target} as reported
        set column_position = presented.column_position, data_type = presented.data_type
        from presented
        where reported.mart = presented.mart and reported.column_name = presented.column_name
        """  # noqa: S608  # names of our own
    )
    connection.execute(
        f"""
        insert into {target} by name
        with versions as (
            select mart, max(schema_version) as schema_version from {target} group by mart
        )
        select
            presented.* exclude (is_label),
            'none' as unit,
            'none' as formula,
            versions.schema_version
        from presented
        inner join versions on presented.mart = versions.mart
        where presented.is_label
        """  # noqa: S608  # names of our own
    )
    connection.unregister("presented")


def _comment(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    name: str,
    comment: str | None,
    column_comments: Mapping[str, str | None],
) -> None:
    target = f"{_TARGET}.{SCHEMA}.{quoted(name)}"
    if comment:
        connection.execute(f"comment on {kind} {target} is {_text(comment)}")
    for column, reported in column_comments.items():
        if reported:
            connection.execute(f"comment on column {target}.{quoted(column)} is {_text(reported)}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _row_sum(
    connection: duckdb.DuckDBPyConnection, catalog: str, relation: Relation
) -> tuple[int, str]:
    return row_sum(connection, f"{catalog}.{SCHEMA}.{quoted(relation.name)}", relation.columns)


def _export(
    folder: Path,
    database: Path,
    latest: Mapping[str, str],
    keys: Mapping[str, Sequence[str]],
    versions: Mapping[str, str],
) -> tuple[MartEntry, ...]:
    """Write the Parquet copies from the closed file and describe every mart as found there."""
    (folder / PARQUET_DIR).mkdir()
    mart_of = {view: mart for mart, view in latest.items()}
    entries = []
    with warehouse.read(database) as connection:
        catalog = _catalog_name(connection)
        for relation in _relations(connection, catalog):
            source = f"{SCHEMA}.{quoted(relation.name)}"
            copy = folder / PARQUET_DIR / f"{relation.name}.parquet"
            connection.execute(
                f"copy {source} to '{_literal(copy)}' (format parquet, compression zstd)"
            )
            found = fingerprint(connection, source, relation.columns)
            mart = mart_of.get(relation.name, relation.name)
            entries.append(
                MartEntry(
                    name=relation.name,
                    kind="view" if relation.name in mart_of else "table",
                    key=tuple(keys.get(mart, ())),
                    columns=relation.columns,
                    rows=found.rows,
                    min_day=found.min_day,
                    max_day=found.max_day,
                    content_hash=found.content_hash,
                    model_version=versions.get(mart),
                    parquet=f"{PARQUET_DIR}/{copy.name}",
                    parquet_bytes=copy.stat().st_size,
                )
            )
    return tuple(entries)


def _catalog_name(connection: duckdb.DuckDBPyConnection) -> str:
    row = connection.execute("select current_catalog()").fetchone()
    if row is None:
        raise PublishError("DuckDB does not name its catalogue")
    return str(row[0])


def _verify(
    folder: Path,
    entries: Sequence[MartEntry],
    relations: Sequence[Relation],
    expected: Mapping[str, tuple[int, str]],
    required: frozenset[str],
    result_count: int,
) -> None:
    """Compare what is in the new file with the warehouse it was copied from.

    Raises:
        PublishError: with every difference found.
    """
    problems = []
    found = {entry.name: entry for entry in entries}
    with warehouse.read(folder / DATABASE_NAME) as connection:
        catalog = _catalog_name(connection)
        for relation in relations:
            if relation.name not in found:
                problems.append(f"{relation.name} is missing in the new file")
            elif relation.name not in _COMPLETED:
                written = _row_sum(connection, catalog, relation)
                problems += _differences(relation.name, written, expected[relation.name])
        problems += _missing_comments(_relations(connection, catalog), relations)
        problems += _wrong_copies(connection, folder, entries)
    if CHECK_RESULT in found and found[CHECK_RESULT].rows < result_count:
        problems.append(f"{CHECK_RESULT} lacks results of this run")
    problems += [
        f"{name} is empty" for name in sorted(required & set(found)) if not found[name].rows
    ]
    if (folder / f"{DATABASE_NAME}.wal").exists():
        problems.append("the new file has a write-ahead log beside it")
    if problems:
        raise PublishError("the new publication is not what it should be: " + "; ".join(problems))


def _differences(name: str, written: tuple[int, str], expected: tuple[int, str]) -> list[str]:
    if written[0] != expected[0]:
        return [f"{name} has {written[0]} rows, the warehouse {expected[0]}"]
    if written != expected:
        return [f"{name} differs in content from the warehouse"]
    return []


def _missing_comments(found: Sequence[Relation], expected: Sequence[Relation]) -> list[str]:
    """Return what has no description: neither a table nor a column may be without one."""
    problems = []
    comments = {relation.name: relation for relation in found}
    for relation in expected:
        built = comments.get(relation.name)
        if built is None:
            continue
        bare = [name for name, comment in built.column_comments.items() if not comment]
        if not built.comment:
            problems.append(f"{relation.name} has no description")
        if bare:
            problems.append(f"{relation.name} has columns without description: {', '.join(bare)}")
    return problems


def _wrong_copies(
    connection: duckdb.DuckDBPyConnection, folder: Path, entries: Sequence[MartEntry]
) -> list[str]:
    problems = []
    for entry in entries:
        copy = _literal(folder / entry.parquet)
        row = connection.execute(f"select count(*) from read_parquet('{copy}')").fetchone()  # noqa: S608  # our own path, quoted
        if row is None or row[0] != entry.rows:
            problems.append(f"the Parquet copy of {entry.name} does not have its {entry.rows} rows")
    return problems
