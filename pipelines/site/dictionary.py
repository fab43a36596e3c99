"""The pages of the dictionary: a page for each mart, and a list of all columns to search in.

Nothing of it is written for these pages: meanings are those of `meta_metric_catalog`, relations
those of `meta_relation`, inputs those of `meta_column_lineage`, and what a page says of rows was
counted in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pipelines.publishing.catalog import Column, Mart, read_catalog
from pipelines.publishing.fingerprint import quoted
from pipelines.site.people import Shown, show, unit_of
from pipelines.site.publication import Publication
from pipelines.site.rendering import Page

INDEX: Final = "dictionary/index.html"
COLUMNS: Final = "dictionary/columns.html"
_LATEST: Final = "_latest"
_ROWS: Final = 3
_WIDTH: Final = 7
_ANY: Final = "*"
_NOTHING: Final = "none"
# what every mart carries is no example of what it is about
_STAMPS: Final = frozenset({"as_of_ts", "model_version"})


@dataclass(frozen=True)
class Inputs:
    """What a column is computed from.

    Attributes:
        direct: the columns one step before it, as `table.column`.
        raw: the raw tables at the end of all steps, as `source.table`.
    """

    direct: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()


class Dictionary:
    """The room of the dictionary's pages."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        catalog = read_catalog(publication.manifest, publication.connection)
        self._marts = {
            name: mart for name, mart in catalog.marts.items() if mart.entry.kind == "table"
        }
        self._views = set(catalog.marts) - set(self._marts)
        self._coverage = {
            (row["mart"], row["column_name"]): row
            for row in self._asked("ops_coverage", "entity_id = '*'")
        }
        self._freshness = {
            row["subject"]: row for row in self._asked("ops_freshness", "subject_kind = 'mart'")
        }
        self._relations = self._asked("meta_relation", "relation_kind = 'foreign'")
        self._lineage = _Lineage(self._asked("meta_column_lineage", "true"))

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all its pages."""
        return (INDEX, COLUMNS, *(_path(name) for name in self._marts))

    def definition(self, mart: str, column: str) -> str | None:
        """Return where a column of a mart, or of the view of its newest day, is defined."""
        name = mart if mart in self._marts else mart.removesuffix(_LATEST)
        found = self._marts.get(name)
        return f"{_path(name)}#{column}" if found and column in found.columns else None

    def pages(self) -> Iterator[Page]:
        """Make the pages, one by one."""
        marts = [self._summary(mart) for mart in self._marts.values()]
        columns = sum(len(mart.columns) for mart in self._marts.values())
        yield Page(
            INDEX,
            "Dictionary",
            "dictionary.html",
            {"marts": marts, "column_count": columns, "columns_path": COLUMNS},
            section=INDEX,
        )
        yield Page(
            COLUMNS,
            "All columns",
            "columns.html",
            {
                "columns": [
                    {
                        "mart": mart.name,
                        "path": f"{_path(mart.name)}#{column.name}",
                        "column": column,
                        "meaning": column.description.split(". ")[0].rstrip("."),
                    }
                    for mart in self._marts.values()
                    for column in mart.columns.values()
                ]
            },
            section=INDEX,
        )
        for mart in self._marts.values():
            yield self._page(mart)

    def _asked(self, mart: str, condition: str) -> list[dict[str, Any]]:
        """Return rows of a mart; none where the publication does not have it."""
        if mart not in self._publication.marts:
            return []
        query = f"select * from marts.{mart} where {condition} order by all"  # noqa: S608  # our own names
        return self._publication.connection.execute(query).pl().to_dicts()

    def _summary(self, mart: Mart) -> dict[str, Any]:
        fresh = self._freshness.get(mart.name, {})
        return {
            "name": mart.name,
            "path": _path(mart.name),
            "description": mart.description,
            "key": ", ".join(mart.key),
            "rows": show(mart.entry.rows, "rows", "rows"),
            "column_count": len(mart.columns),
            "first_day": _day(mart.entry.min_day),
            "newest_day": _day(mart.entry.max_day),
            "status": fresh.get("status"),
        }

    def _page(self, mart: Mart) -> Page:
        latest = f"{mart.name}{_LATEST}"
        query, header, answer = self._example(mart)
        inputs = {name: self._lineage.inputs(mart.name, name) for name in mart.columns}
        return Page(
            _path(mart.name),
            mart.name,
            "mart.html",
            {
                "mart": self._summary(mart),
                "latest": latest if latest in self._views else None,
                "parquet": mart.entry.parquet,
                "raw": sorted({table for each in inputs.values() for table in each.raw}),
                "leads_to": [
                    {**row, "path": _path(row["referenced_mart"])}
                    for row in self._relations
                    if row["mart"] == mart.name
                ],
                "led_to_by": sorted(
                    {
                        (row["mart"], _path(row["mart"]))
                        for row in self._relations
                        if row["referenced_mart"] == mart.name
                    }
                ),
                "query": query,
                "header": header,
                "answer": answer,
                "columns": [
                    {
                        "column": column,
                        "is_key": column.name in mart.key,
                        "coverage": self._covered(mart, column),
                        "bounds": _bounds(column),
                        "inputs": inputs[column.name],
                    }
                    for column in mart.columns.values()
                ],
            },
            section=INDEX,
        )

    def _covered(self, mart: Mart, column: Column) -> str | None:
        """Return in words how full a column is."""
        row = self._coverage.get((mart.name, column.name))
        if row is None or not row["row_count"]:
            return None
        known = show(1 - row["null_frac"], "share", "fraction").text
        days = f", {row['first_day']} to {row['last_day']}" if row["first_day"] else ""
        return f"{known} of {row['row_count']:,} rows{days}"

    def _example(self, mart: Mart) -> tuple[str, list[str], list[list[Shown]]]:
        """Return a query of a mart's newest rows, and what it answers."""
        own = [name for name in mart.columns if name not in mart.key and name not in _STAMPS]
        names = [*(name for name in mart.key if name in mart.columns), *own][:_WIDTH]
        days = [name for name in mart.key if name == "day"]
        order = ", ".join([*(f"{day} desc" for day in days), *(n for n in mart.key if n != "day")])
        query = (
            f"select {', '.join(map(_bare, names))}\n"
            f"from marts.{_bare(mart.name)}\n"
            f"{f'order by {order}' if order else ''}\nlimit {_ROWS}"
        ).replace("\n\n", "\n")
        rows = self._publication.connection.execute(query).fetchall()
        units = {name: unit_of(name, {name: mart.columns[name].unit}) for name in names}
        shown = [
            [show(value, name, units[name]) for name, value in zip(names, row, strict=True)]
            for row in rows
        ]
        return query, names, shown


class _Lineage:
    """What columns are computed from, step by step."""

    def __init__(self, edges: list[dict[str, Any]]) -> None:
        self._steps: dict[str, dict[str, list[tuple[str, str]]]] = {}
        for edge in edges:
            columns = self._steps.setdefault(edge["table_name"], {})
            columns.setdefault(edge["column_name"], []).append(
                (edge["input_table"], edge["input_column"])
            )
        # a table is asked for by all that is computed from it
        self._raw = cache(self._raw_of)

    def inputs(self, table: str, column: str) -> Inputs:
        steps = self._steps.get(table, {}).get(column, ())
        direct = tuple(
            f"{name}.{field}" if field != _ANY else name
            for name, field in steps
            if name != _NOTHING
        )
        return Inputs(direct, tuple(sorted(self._raw(table, column))))

    def _raw_of(self, table: str, column: str) -> frozenset[str]:
        columns = self._steps.get(table, {})
        steps = (
            [step for each in columns.values() for step in each]
            if column == _ANY
            else columns.get(column, [])
        )
        # raw tables are named by their source, and nothing else has a dot in its name
        found = {name for name, _ in steps if "." in name}
        deeper = {step for step in steps if "." not in step[0] and step[0] != table}
        return frozenset(found).union(*(self._raw(*step) for step in deeper))


def _bare(name: str) -> str:
    """Return a name as people type it: in quotes only where it must be."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quoted(name)


def _path(mart: str) -> str:
    return f"dictionary/{mart}.html"


def _day(day: object) -> str:
    return str(day) if day else ""


def _bounds(column: Column) -> str | None:
    low, high = column.min_value, column.max_value
    if low is None and high is None:
        return None
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
