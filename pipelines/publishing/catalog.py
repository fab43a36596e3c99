"""What an edition has: its marts, their columns, and what each of them means.

Read from the publication itself: names, types and keys from its manifest, meanings from
`meta_metric_catalog` and from the comments in the database. Nothing of it is typed in again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.publishing.manifest import Manifest, MartEntry

_LATEST = "_latest"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its DuckDB type, and what the dictionary says of it."""

    name: str
    type: str
    description: str = ""
    unit: str = "none"
    null_rule: str = ""
    formula: str = "none"
    formula_anchor: str | None = None
    min_value: float | None = None
    max_value: float | None = None
    column_source: str = ""
    window_d: int | None = None
    min_obs: int | None = None

    @property
    def is_text(self) -> bool:
        """Whether its values are names or words."""
        return self.type == "VARCHAR"

    @property
    def is_nullable(self) -> bool:
        """Whether a value may be missing."""
        return not self.null_rule.startswith("never")

    @property
    def meaning(self) -> str:
        """Return description, unit and null rule in one text, for OpenAPI and agents."""
        said = [self.description]
        if self.unit != "none":
            said.append(f"Unit: {self.unit}.")
        if self.formula != "none":
            said.append(f"Formula: {self.formula}.")
        if self.null_rule:
            said.append(f"NULL: {self.null_rule}.")
        return " ".join(part for part in said if part)


@dataclass(frozen=True, slots=True)
class Mart:
    """One mart, or the view of its newest day."""

    entry: MartEntry
    description: str
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its table in the schema `marts`."""
        return self.entry.name

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return self.entry.key

    @property
    def has_day(self) -> bool:
        """Whether its rows are of days."""
        return "day" in self.columns


@dataclass(frozen=True, slots=True)
class Catalog:
    """The marts of an edition by name."""

    marts: dict[str, Mart]


def read_catalog(manifest: Manifest, connection: duckdb.DuckDBPyConnection) -> Catalog:
    """Return what a publication has.

    Args:
        manifest: of the publication.
        connection: to its database.
    """
    comments = dict(
        connection.execute(
            """
            select table_name, comment from duckdb_tables() where schema_name = 'marts'
            union all
            select view_name, comment from duckdb_views() where schema_name = 'marts'
            """
        ).fetchall()
    )
    meanings = _meanings(manifest, connection)
    marts = {}
    for entry in manifest.marts:
        of = entry.name.removesuffix(_LATEST) if entry.kind == "view" else entry.name
        marts[entry.name] = Mart(
            entry,
            comments.get(entry.name) or comments.get(of) or "",
            {
                name: Column(name, kind, **meanings.get((of, name), {}))
                for name, kind in entry.columns.items()
            },
        )
    return Catalog(marts)


def _meanings(
    manifest: Manifest, connection: duckdb.DuckDBPyConnection
) -> dict[tuple[str, str], dict[str, Any]]:
    if not any(entry.name == "meta_metric_catalog" for entry in manifest.marts):
        return {}
    rows = connection.execute(
        """
        select mart, column_name, description, unit, null_rule, formula, formula_anchor,
            min_value, max_value, column_source, window_d, min_obs
        from marts.meta_metric_catalog
        """
    ).fetchall()
    names = ("description", "unit", "null_rule", "formula", "formula_anchor")
    more = ("min_value", "max_value", "column_source", "window_d", "min_obs")
    return {(row[0], row[1]): dict(zip((*names, *more), row[2:], strict=True)) for row in rows}
