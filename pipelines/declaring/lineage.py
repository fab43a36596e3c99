"""What each column of a model is computed from, read from the compiled SQL of a build.

A step at a time: the columns of the tables that a model selects from, through its own CTEs. What
only decides which rows there are (joins, filters, orders) is no input of a value. A model in Python
says which tables it reads and not which columns: all of them count (`*`).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from pipelines import sources
from pipelines.core import warehouse
from pipelines.core.files import replace_file

SEED: Final = "dbt/seeds/operation/meta_column_input.csv"
ANY: Final = "*"
NOTHING: Final = "none"

_REPO: Final = Path(__file__).resolve().parents[2]
_HEADER: Final = ("table_name", "column_name", "input_table", "input_column")
# one row of them says as much as all: they are written out of the models' own descriptions
_WRITTEN_OUT: Final = frozenset({"meta_metric_catalog", "meta_relation", "ops_coverage"})
_MODELS: Final = ("marts", "intermediate", "staging", "history")
_DIALECT: Final = "duckdb"
# as the warehouse's own views spell it
_CATALOG: Final = "warehouse"

Edge = tuple[str, str, str, str]
"""Table, column, the table that it is computed from, the column there."""
Origin = tuple[str, str]
"""A table and a column of it."""


class LineageError(Exception):
    """A model's SQL cannot be followed; the message names the model."""


def edges(manifest: Mapping[str, Any], columns: Mapping[str, Mapping[str, list[str]]]) -> set[Edge]:
    """Return what every column of the marts is computed from, and every column on the way down.

    A column without an input (a count of rows, a constant, what a source did not say) has `none`.

    Args:
        manifest: dbt's, of a build: with the compiled code of each model.
        columns: schema and table to the columns as built.

    Raises:
        LineageError: a model cannot be followed.
    """
    found: set[Edge] = set()
    schema = {
        part: {table: dict.fromkeys(names, "unknown") for table, names in tables.items()}
        for part, tables in columns.items()
    }
    for node in manifest["nodes"].values():
        if node["resource_type"] != "model":
            continue
        name, built = node["name"], columns.get(node["schema"], {}).get(node["name"], [])
        if node["schema"] == "history":
            found |= set(_of_history(name, built))
        elif node["language"] == "python":
            parents = {manifest["nodes"][one]["name"] for one in node["depends_on"]["nodes"]}
            found |= {(name, column, parent, ANY) for column in built for parent in parents}
        elif name not in _WRITTEN_OUT:
            try:
                inputs = _of_query(node["compiled_code"], schema)
            except Exception as error:
                raise LineageError(f"{name} cannot be followed: {error}") from error
            found |= {
                (name, column, *origin) for column, origins in inputs.items() for origin in origins
            }
    known = {(table, column) for table, column, *_ in found}
    found |= {
        (table, column, NOTHING, NOTHING)
        for schema in _MODELS
        for table, names in columns.get(schema, {}).items()
        for column in names
        if (table, column) not in known
    }
    return _below(columns.get("marts", {}), found)


def text(found: Iterable[Edge]) -> str:
    """Return the file that is kept: sorted, with a header."""
    written = StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(_HEADER)
    rows.writerows(sorted(found))
    return written.getvalue()


def write(data_dir: Path, root: Path = _REPO) -> bool:
    """Write the seed from the last build in a data folder, and return whether it has changed.

    Args:
        data_dir: with the warehouse and the artefacts of its last build.
        root: of the project.

    Raises:
        LineageError: nothing is built there, or a model cannot be followed.
    """
    manifests = sorted(
        (data_dir / "dbt").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime
    )
    database = data_dir / "warehouse.duckdb"
    if not manifests or not database.exists():
        raise LineageError(f"nothing is built in {data_dir}: run `make daily` first")
    said = text(edges(json.loads(manifests[-1].read_text()), built_columns(database)))
    path = root / SEED
    is_changed = not path.exists() or path.read_text() != said
    if is_changed:
        replace_file(path, said.encode())
    return is_changed


def built_columns(database: Path) -> dict[str, dict[str, list[str]]]:
    """Return the columns of each table of a warehouse, by schema and table."""
    columns: dict[str, dict[str, list[str]]] = {}
    with warehouse.read(database) as connection:
        rows = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal order by schema_name, table_name, column_index"
        ).fetchall()
    for schema, table, column in rows:
        columns.setdefault(schema, {}).setdefault(table, []).append(column)
    return columns


def _below(marts: Iterable[str], found: Iterable[Edge]) -> set[Edge]:
    """Return the edges that lead down from the marts."""
    inputs: dict[str, set[Edge]] = {}
    for edge in found:
        inputs.setdefault(edge[0], set()).add(edge)
    wanted: set[Edge] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [edge for mart in marts for edge in inputs.get(mart, ())]
    while waiting:
        edge = waiting.pop()
        wanted.add(edge)
        table, column = edge[2:]
        if (table, column) not in seen:
            seen.add((table, column))
            waiting += [one for one in inputs.get(table, ()) if column in (one[1], ANY)]
    return wanted


def _of_history(model: str, built: Iterable[str]) -> Iterator[Edge]:
    """Yield that a history has its raw table's columns; what it adds itself has no input."""
    source, _, table = model.removeprefix("hist_").partition("__")
    if source not in sources.SOURCES:
        return
    declared = {one.entity or one.name: one for one in sources.tables(source)}
    names = {column.name for column in declared[table].columns}
    yield from (
        (model, name, f"{source}.{declared[table].name}", name) for name in built if name in names
    )


def _of_query(sql: str, schema: dict[str, dict[str, dict[str, str]]]) -> dict[str, set[Origin]]:
    qualified = qualify(
        parse_one(sql, dialect=_DIALECT),
        dialect=_DIALECT,
        schema={_CATALOG: schema},
        catalog=_CATALOG,
        validate_qualify_columns=False,
        identify=False,
        quote_identifiers=False,
    )
    scope = build_scope(qualified)
    if scope is None:
        raise LineageError("no query")
    return dict(_Inputs().of(scope))


class _Inputs:
    """The inputs of each column of a scope, worked out once for each scope."""

    def __init__(self) -> None:
        self._known: dict[int, list[tuple[str, set[Origin]]]] = {}

    def of(self, scope: Scope) -> list[tuple[str, set[Origin]]]:
        """Return the columns of a scope in their order: the legs of a union meet by position."""
        if id(scope) not in self._known:
            # a recursive CTE reads itself: what it reads of itself is what it has otherwise
            self._known[id(scope)] = []
            self._known[id(scope)] = self._work_out(scope)
        return self._known[id(scope)]

    def _work_out(self, scope: Scope) -> list[tuple[str, set[Origin]]]:
        if isinstance(scope.expression, exp.SetOperation):
            left, right = (self.of(part) for part in scope.set_operation_scopes)
            if scope.expression.args.get("by_name"):
                named = [dict(left), dict(right)]
                names = dict.fromkeys([name for side in named for name in side])
                return [(name, set().union(*(s.get(name, set()) for s in named))) for name in names]
            return [
                (name, inputs | (right[at][1] if at < len(right) else set()))
                for at, (name, inputs) in enumerate(left)
            ]
        if isinstance(scope.expression, exp.Query):
            return [
                (selected.alias_or_name, self._leaves(selected, scope))
                for selected in scope.expression.selects
            ]
        # values, unnest: whatever stands in them
        return [(ANY, self._leaves(scope.expression, scope))]

    def _leaves(self, expression: exp.Expr, scope: Scope) -> set[Origin]:
        found: set[Origin] = set()
        within = {id(inner.expression): inner for inner in scope.subquery_scopes}
        for column in expression.walk(prune=lambda node: id(node) in within):
            if id(column) in within:
                # of a query within only what it selects is an input
                found |= set().union(*(inputs for _, inputs in self.of(within[id(column)])))
            if not isinstance(column, exp.Column):
                continue
            source = self._source(column.table, scope)
            if isinstance(source, exp.Table):
                found.add((source.name, column.name))
            elif source is not None:
                inputs = dict(self.of(source))
                found |= inputs.get(column.name, inputs.get(ANY, set()))
        return found

    @staticmethod
    def _source(name: str, scope: Scope) -> Scope | exp.Table | None:
        inner = [scope, *scope.subquery_scopes]
        outer = scope.parent
        while outer is not None:
            inner.append(outer)
            outer = outer.parent
        return next((one.sources[name] for one in inner if name in one.sources), None)
