"""A few rows of a table, to be shown to people: in a sentence, or as a table in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

MAX_ROWS: Final = 20
MAX_CELL: Final = 120
_NULL: Final = "NULL"

# what Markdown would take for markup, and what makes a link of an address
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|~&!@$#]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The first rows of a table.

    Attributes:
        columns: their names.
        rows: at most `MAX_ROWS` of them, in the order of the columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, columns: Iterable[str], rows: Sequence[Sequence[Any]]) -> Excerpt:
        """Return the first of the rows."""
        return cls(tuple(columns), tuple(tuple(row) for row in rows[:MAX_ROWS]))

    @classmethod
    def of_records(cls, records: Sequence[Mapping[str, Any]]) -> Excerpt:
        """Return the first of the records, which all have the same fields."""
        names = tuple(records[0]) if records else ()
        return cls.of(names, [[record.get(name) for name in names] for record in records])

    def in_words(self, rows: int) -> str:
        """Return the first rows as text: `column=value, ... | column=value, ...`."""
        return " | ".join(
            ", ".join(
                f"{name}={_NULL if value is None else value}"
                for name, value in zip(self.columns, row, strict=True)
            )
            for row in self.rows[:rows]
        )

    def as_markdown(self, digits: int = 10) -> str:
        """Return the rows as a table in Markdown, in which every value is text and no markup.

        Args:
            digits: how many of a fractional number are shown; whole dollars are not cut.
        """
        lines = [
            [_cell(name, digits) for name in self.columns],
            ["---"] * len(self.columns),
            *([_cell(value, digits) for value in row] for row in self.rows),
        ]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return _NULL
    text = " ".join((_number(value, digits) if isinstance(value, float) else str(value)).split())
    shown = text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}…"
    return _MARKUP.sub(r"\\\g<0>", shown)


def _number(value: float, digits: int) -> str:
    return f"{value:,.0f}" if 10**digits <= abs(value) < 1e18 else f"{value:,.{digits}g}"
