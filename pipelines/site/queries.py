"""The queries behind what is shown: each is a file in `queries/`, run once for all pages.

A file may begin with `-- of: <column>`: the column that says whose rows they are. A page then shows
the rows of one of them, and the query with that filter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from pipelines.site.publication import Publication

FOLDER: Final = Path(__file__).parent / "queries"
_OF: Final = re.compile(r"-- of: (\w+)\n")
_MART: Final = re.compile(r"\bmarts\.(\w+)")
_LATEST: Final = "_latest"
_EPOCH: Final = date(1970, 1, 1)
_DIGITS: Final = 4


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        name: its file, without the ending.
        sql: its text.
        of: the column that its rows are divided by; None: they are shown together.
    """

    name: str
    sql: str
    of: str | None

    @cached_property
    def marts(self) -> tuple[str, ...]:
        """What it reads, in the order of its text."""
        return tuple(dict.fromkeys(_MART.findall(self.sql)))

    def shown(self, whose: str | None) -> str:
        """Return the query as it can be run, with the filter of the page that it is on."""
        if self.of is None or whose is None:
            return self.sql
        literal = whose.replace("'", "''")
        inner = self.sql.replace("\n", "\n    ")
        return f"select *\nfrom (\n    {inner}\n)\nwhere {self.of} = '{literal}'"


@dataclass(frozen=True)
class Answer:
    """What a query gave.

    Attributes:
        query: the query.
        rows: its rows, of all things that there are pages of.
        why_empty: why there are none, where the publication is the reason.
    """

    query: Query
    rows: pl.DataFrame
    why_empty: str | None = None

    def of(self, whose: str | None) -> pl.DataFrame:
        """Return the rows of one, or all where they are not divided."""
        if self._are_whole(whose):
            return self.rows
        return self._parts.get(whose, self.rows.clear())

    def to_draw(self, whose: str | None) -> pl.DataFrame:
        """Return the same rows for a chart: days as numbers, and four digits that count.

        Asked of all rows at once: page by page it would be most of the work.
        """
        if self._are_whole(whose):
            return self._short
        return self._short_parts.get(whose, self._short.clear())

    def _are_whole(self, whose: str | None) -> bool:
        return self.query.of is None or whose is None or self.rows.is_empty()

    @cached_property
    def _parts(self) -> dict[Any, pl.DataFrame]:
        return self._divided(self.rows)

    @cached_property
    def _short(self) -> pl.DataFrame:
        floats, days = pl.col(pl.Float64), pl.col(pl.Date)
        return self.rows.with_columns(
            pl.when(floats.is_finite()).then(floats.round_sig_figs(_DIGITS)).name.keep(),
            (days - _EPOCH).dt.total_days().name.keep(),
        )

    @cached_property
    def _short_parts(self) -> dict[Any, pl.DataFrame]:
        return self._divided(self._short)

    def _divided(self, rows: pl.DataFrame) -> dict[Any, pl.DataFrame]:
        divided = rows.partition_by(str(self.query.of), as_dict=True, maintain_order=True)
        return {key[0]: part for key, part in divided.items()}


def named(name: str) -> Query:
    """Return a query by its name."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    head = _OF.match(text)
    return Query(name, text[head.end() if head else 0 :].strip(), head[1] if head else None)


def all_names() -> tuple[str, ...]:
    """Return the names of all queries."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.sql")))


class Answers:
    """The answers of one publication, each query asked once and only when it is needed."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._answers: dict[str, Answer] = {}

    def __getitem__(self, name: str) -> Answer:
        """Return the answer to a query of `queries/`."""
        if name not in self._answers:
            self._answers[name] = self._ask(named(name))
        return self._answers[name]

    def _ask(self, query: Query) -> Answer:
        missing = [mart for mart in query.marts if mart not in self._publication.marts]
        if missing:
            names = ", ".join(mart.removesuffix(_LATEST) for mart in missing)
            return Answer(query, pl.DataFrame(), f"This publication has no {names}.")
        try:
            rows = self._publication.connection.execute(query.sql).pl()
        except duckdb.BinderException as problem:
            # a publication of other code: its marts have other columns
            lacking = re.search(r'column "([^"]+)"', str(problem))
            what = lacking[1] if lacking else "a column that is shown here"
            marts = ", ".join(query.marts)
            return Answer(query, pl.DataFrame(), f"This publication's {marts} lacks {what}.")
        reason = None
        if rows.is_empty():
            reason = f"{' and '.join(query.marts)} had no such rows when this was published."
        return Answer(query, rows, reason)
