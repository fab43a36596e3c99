"""What a page is made of: a chart, a table or facts, each from one query.

`content.py` says what is shown; here it gets its rows, its words and its links.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from pipelines.site import charts, people
from pipelines.site.publication import Publication
from pipelines.site.queries import Answer, Answers

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Column:
    """A column of a table, or a fact.

    Attributes:
        name: of the query's column.
        label: what people call it.
        to: the kind of page that it leads to.
        by: the column with the id that it leads to.
        beside: a column shown small behind it.
        beside_label: what is said before that.
        look: "bar" (of 0 to 100), "badge", "long" (a sentence) or "".
        unit_of: a column that names the one whose unit this value has.
        filter: how a table can be filtered by it: "min", "max", "one" (of its values) or "".
    """

    name: str
    label: str
    to: str = ""
    by: str = ""
    beside: str = ""
    beside_label: str = ""
    look: str = ""
    filter: str = ""
    unit_of: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a page.

    Attributes:
        title: what it shows.
        query: the name of its query.
        note: how to read it.
        empty: what is said where there is nothing.
        width: "half", "third", "two-thirds" or "": the whole page.
    """

    title: str
    query: str
    note: str = ""
    empty: str = "Nothing of this is known here."
    width: str = ""


@dataclass(frozen=True)
class Chart(Part):
    """A chart of `charts.py`.

    Attributes:
        chart: its name there.
        more: queries of its further datasets, by their names.
        least: rows that it needs to be drawn.
        ranges: whether readers choose how many days are shown.
        days: that are shown at first; 0: all.
    """

    chart: str = ""
    more: Mapping[str, str] | None = None
    least: int = 2
    ranges: bool = True
    days: int = 365


@dataclass(frozen=True)
class Table(Part):
    """A table; sorted by who looks where `sortable`, and cut where it has a `limit`."""

    columns: Sequence[Column] = ()
    limit: int | None = None
    sortable: bool = False
    name: str = ""


@dataclass(frozen=True)
class Facts(Part):
    """The first row, as facts with names; `tiles` are the large ones in the head of a page."""

    columns: Sequence[Column] = ()
    tiles: bool = False


@dataclass(frozen=True)
class Feed(Part):
    """Events as sentences, the newest first; `limit` of them."""

    limit: int | None = None


@dataclass(frozen=True)
class Links:
    """Where pages lie.

    Attributes:
        pages: by kind of thing: the path of each one's page, by its id.
        definition: where a column is defined; None: nowhere.
    """

    pages: Mapping[str, Mapping[str, str]]
    definition: Callable[[str, str], str | None]

    def page(self, kind: str, id_: Any) -> str | None:
        """Return the path of something's page, if it has one."""
        return self.pages.get(kind, {}).get(id_)


class Maker:
    """Makes parts ready for the templates.

    Args:
        publication: what they are made of.
        answers: its answers.
        links: where pages lie.
    """

    def __init__(self, publication: Publication, answers: Answers, links: Links) -> None:
        self._units = publication.units
        self._marts_of = publication.marts_of_columns
        self.answers = answers
        self.links = links

    def made(self, part: Part, whose: str | None = None, *, drawn: bool = False) -> dict[str, Any]:
        """Return what a template needs of a part.

        Args:
            part: the part.
            whose: the id of what the page is about.
            drawn: whether a chart is drawn now, and not by the reader's browser.
        """
        answer = self.answers[part.query]
        rows = answer.of(whose)
        made: dict[str, Any] = {
            "kind": type(part).__name__.lower(),
            "part": part,
            "sql": answer.query.shown(whose),
            "definitions": self._definitions(answer, self._shown_columns(part, rows)),
            "empty": None,
        }
        if rows.is_empty():
            made["empty"] = answer.why_empty or part.empty
            return made
        if isinstance(part, Chart):
            self._chart(made, part, whose, drawn=drawn)
        elif isinstance(part, Table):
            made |= self._table(part, rows)
        elif isinstance(part, Facts):
            made["cells"] = [
                (column, self._cell(column, rows.row(0, named=True)), self._link_of(column, answer))
                for column in part.columns
                if column.name in rows.columns
            ]
        elif isinstance(part, Feed):
            cut = rows.head(part.limit) if part.limit else rows
            made |= {"events": self._events(cut, whose), "left_out": len(rows) - len(cut)}
        return made

    def _shown_columns(self, part: Part, rows: pl.DataFrame) -> list[str]:
        if isinstance(part, Table | Facts):
            return [column.name for column in part.columns]
        return rows.columns

    def _definitions(self, answer: Answer, columns: Sequence[str]) -> list[tuple[str, str]]:
        found = [(column, self._definition(column, answer)) for column in columns]
        return [(column, path) for column, path in found if path]

    def _definition(self, column: str, answer: Answer) -> str | None:
        """Return where a column is defined: in the first mart that its query reads it from."""
        for mart in answer.query.marts:
            of_days = mart.removesuffix("_latest")
            name = mart if mart in self._marts_of.get(column, ()) else of_days
            if name in self._marts_of.get(column, ()):
                return self.links.definition(name, column)
        return None

    def _link_of(self, column: Column, answer: Answer) -> str | None:
        return self._definition(column.name, answer)

    def _cell(self, column: Column, row: Mapping[str, Any]) -> dict[str, Any]:
        value = row[column.name]
        named = str(row[column.unit_of]) if column.unit_of else column.name
        shown = people.show(value, named, people.unit_of(named, self._units))
        cell: dict[str, Any] = {"shown": shown, "href": None, "beside": None, "bar": None}
        if column.to:
            cell["href"] = self.links.page(column.to, row.get(column.by or column.name))
        if column.beside:
            name = column.beside
            beside = people.show(row.get(name), name, people.unit_of(name, self._units))
            cell["beside"] = beside if beside.is_known and beside.text != shown.text else None
        if column.look == "bar" and isinstance(value, int | float) and math.isfinite(value):
            cell["bar"] = max(0, min(100, round(value)))
        return cell

    def _table(self, part: Table, rows: pl.DataFrame) -> dict[str, Any]:
        columns = [column for column in part.columns if column.name in rows.columns]
        cut = rows.head(part.limit) if part.limit else rows
        cells = [
            [self._cell(column, row) for column in columns] for row in cut.iter_rows(named=True)
        ]
        # numbers stand at the right, words at the left
        words = [rows.schema[column.name] in (pl.String, pl.Date) for column in columns]
        choices = {
            column.name: _choices(rows[column.name]) for column in columns if column.filter == "one"
        }
        scales = {
            column.name: 0.01
            if people.unit_of(column.name, self._units).startswith("fraction")
            else 1_000_000
            if people.unit_of(column.name, self._units) == "USD"
            else 1
            for column in columns
        }
        return {
            "columns": columns,
            "rows": cells,
            "words": words,
            "choices": choices,
            "scales": scales,
            "left_out": len(rows) - len(cut),
        }

    def _events(self, rows: pl.DataFrame, whose: str | None) -> list[dict[str, Any]]:
        kinds = {"asset": "token"}
        return [
            {
                "day": row["day"],
                "severity": row["severity"],
                "sentence": row["message"] or row["kind"],
                "href": None
                if row["entity_id"] == whose  # it would lead to where one is
                else self.links.page(
                    kinds.get(row["entity_kind"], row["entity_kind"]), row["entity_id"]
                ),
            }
            for row in rows.iter_rows(named=True)
        ]

    def _chart(self, made: dict[str, Any], part: Chart, whose: str | None, *, drawn: bool) -> None:
        answers = {"points": self.answers[part.query]} | {
            name: self.answers[query] for name, query in (part.more or {}).items()
        }
        wanted = charts.columns_of(part.chart)
        datasets = {
            name: _columns(answer.to_draw(whose), wanted.get(name), answer.query.of)
            for name, answer in answers.items()
        }
        series = {
            name: label
            for name, label in charts.series_of(part.chart).items()
            if any(isinstance(value, int | float) for value in datasets["points"].get(name, ()))
        }
        lines = [datasets["points"][name] for name in series]
        known = sum(any(value is not None for value in point) for point in zip(*lines, strict=True))
        if known < part.least:
            made["empty"] = "One day is too little to be drawn." if known == 1 else part.empty
            return
        if drawn:
            made["svg"] = charts.svg(part.chart, datasets)
        else:
            made["data"] = {name: _steps(columns) for name, columns in datasets.items()}
        made["legend"] = charts.legend_of(part.chart)
        made["says"] = self._in_words(part, datasets["points"], series)

    def _in_words(
        self, part: Chart, points: Mapping[str, list[Any]], series: Mapping[str, str]
    ) -> str:
        """Return what a chart shows, for who does not see it: its last values and its span."""
        said = []
        for name, label in series.items():
            known = [value for value in points[name] if value is not None]
            unit = people.unit_of(name, self._units)
            last, least, most = (
                people.show(value, name, unit).text for value in (known[-1], min(known), max(known))
            )
            said.append(f"{label} {last}, between {least} and {most}")
        days = [_EPOCH + timedelta(days=day) for day in points.get("day", ()) if day is not None]
        span = f" From {min(days)} to {max(days)}." if days else ""
        return f"{part.title}. {'; '.join(said)}.{span}"


def _choices(values: pl.Series) -> list[str]:
    words = {
        word
        for value in values.drop_nulls().cast(pl.String).to_list()
        for word in re.split(r"[,;]\s*", value)
        if word
    }
    return sorted(words)


def _columns(rows: pl.DataFrame, wanted: set[str] | None, of: str | None) -> dict[str, list[Any]]:
    """Return the columns that a chart reads; whole numbers without their point."""
    return {
        name: [_short(value) for value in rows[name].to_list()]
        for name in rows.columns
        if name != of and (wanted is None or name in wanted)
    }


def _steps(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns whose days are steps from one to the next: they are a third of a page else."""
    days = columns.get("day")
    if days is None:
        return columns
    return columns | {"day": [day - before for before, day in zip([0, *days], days, strict=False)]}


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
