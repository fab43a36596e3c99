"""One bounded question to one mart: which columns, rows and order, and where to go on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from pipelines.publishing.catalog import Mart
from pipelines.serving.problems import Problem, unknown

# a number that DuckDB takes, and more rows than there are
_MOST_ROWS = 2**62
_FALSE_TRUE = {"false": False, "true": True}


@dataclass(frozen=True, slots=True)
class Order:
    """A column to order by."""

    column: str
    is_descending: bool = False

    @property
    def sql(self) -> str:
        """As in `order by`; what is unknown comes last."""
        return f'"{self.column}" {"desc" if self.is_descending else "asc"} nulls last'


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a mart; made by `ask`, which refuses what the mart cannot answer.

    Attributes:
        mart: the mart.
        columns: of the answer, in its order.
        filters: column to the values that it may have.
        start: the first day.
        end: the last day, included.
        order: columns to order by, the key after them; empty: as the mart is stored.
        limit: the most rows; None: all.
        after: the values of `order` in the last row of the page before.
        after_seq: of marts with numbered events: only those with a higher `event_seq`.
    """

    mart: Mart
    columns: tuple[str, ...]
    filters: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    start: date | None = None
    end: date | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    after: tuple[Any, ...] | None = None
    after_seq: int | None = None

    def sql(self, columns: Sequence[str] | None = None) -> tuple[str, list[Any]]:
        """Return the query and its values.

        Args:
            columns: expressions in place of the answer's columns.
        """
        values: list[Any] = []
        where = []
        for column, wanted in self.filters.items():
            where.append(f'"{column}" in ({", ".join("?" * len(wanted))})')
            values.extend(wanted)
        for bound, sign in ((self.start, ">="), (self.end, "<=")):
            if bound is not None:
                where.append(f'"day" {sign} ?')
                values.append(bound)
        if self.after_seq is not None:
            where.append('"event_seq" > ?')
            values.append(self.after_seq)
        if self.after is not None:
            where.append(_after(self.order, self.after, values))
        parts = [
            f"select {', '.join(columns or _quoted(self.columns))}",
            f'from marts."{self.mart.name}"',
        ]
        if where:
            parts.append(f"where {' and '.join(where)}")
        if self.order:
            parts.append(f"order by {', '.join(order.sql for order in self.order)}")
        if self.limit is not None:
            parts.append(f"limit {min(self.limit, _MOST_ROWS)}")
        return "\n".join(parts), values

    def paged(self, limit: int) -> Question:
        """Return the question for one page: ordered to the last row, with the order's columns."""
        named = {order.column for order in self.order}
        order = (*self.order, *(Order(column) for column in self.mart.key if column not in named))
        columns = dict.fromkeys((*self.columns, *(each.column for each in order)))
        return replace(self, columns=tuple(columns), order=order, limit=limit)


def ask(
    mart: Mart,
    *,
    columns: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] | None = None,
    start: date | None = None,
    end: date | None = None,
    order: Sequence[str] = (),
    limit: int | None = None,
) -> Question:
    """Return the question, with every name looked up in the mart.

    Raises:
        Problem: a column is none of the mart's, a value is not of its column's type, the range is
            reversed or the mart has no days.
    """
    for column in (*columns, *(filters or {}), *(name.removeprefix("-") for name in order)):
        if column not in mart.columns:
            raise unknown(
                "column",
                column,
                list(mart.columns),
                hint=f"/v1/catalog/{mart.name} lists the columns of {mart.name}",
            )
    if (start or end) and not mart.has_day:
        raise Problem(
            "no-days", 422, f"{mart.name} has no days: ask for it without `start` and `end`"
        )
    if start and end and start > end:
        raise Problem("reversed-range", 422, f"`start` ({start}) is after `end` ({end}): swap them")
    return Question(
        mart=mart,
        columns=tuple(dict.fromkeys(columns)) or tuple(mart.columns),
        filters={
            column: tuple(_value(mart, column, text) for text in wanted)
            for column, wanted in (filters or {}).items()
        },
        start=start,
        end=end,
        order=tuple(Order(name.removeprefix("-"), name.startswith("-")) for name in order),
        limit=limit,
    )


def cursor_of(question: Question, version: str, row: Mapping[str, Any]) -> str:
    """Return where the page after `row` begins, as an opaque text."""
    state = {
        "v": version,
        "q": _identity(question),
        "a": [_plain(row[order.column]) for order in question.order],
    }
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")


def version_of(cursor: str) -> str:
    """Return the version that a cursor goes on in.

    Raises:
        Problem: it is none of ours.
    """
    return str(_state(cursor)["v"])


def resumed(question: Question, cursor: str) -> Question:
    """Return a paged question that goes on where the cursor says.

    Raises:
        Problem: it is none of ours, or another question's.
    """
    state = _state(cursor)
    if state["q"] != _identity(question) or len(state["a"]) != len(question.order):
        raise Problem(
            "foreign-cursor",
            422,
            "the cursor belongs to another question: send it with the same mart, columns, "
            "filters, range and order, or begin without one",
        )
    after = tuple(
        _typed(question.mart.columns[order.column].type, value)
        for order, value in zip(question.order, state["a"], strict=True)
    )
    return replace(question, after=after)


def _identity(question: Question) -> str:
    asked = json.dumps(
        [
            question.mart.name,
            question.columns,
            {column: list(map(_plain, values)) for column, values in question.filters.items()},
            _plain(question.start),
            _plain(question.end),
            question.after_seq,
            [order.sql for order in question.order],
        ]
    )
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _state(cursor: str) -> dict[str, Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        state: dict[str, Any] = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if (
            set(state) != {"v", "q", "a"}
            or not isinstance(state["a"], list)
            or not isinstance(state["v"], str)
        ):
            raise ValueError
    except (binascii.Error, ValueError, TypeError, UnicodeError, RecursionError):
        raise Problem(
            "broken-cursor",
            422,
            "the cursor is not one that this service gave: begin without one",
        ) from None
    else:
        return state


def _after(order: Sequence[Order], after: Sequence[Any], values: list[Any]) -> str:
    """Return the condition of the rows after one: lexicographic, what is unknown last."""
    first, rest = order[0], order[1:]
    column = f'"{first.column}"'
    value = after[0]
    if value is None:
        if not rest:
            return "false"
        return f"({column} is null and {_after(rest, after[1:], values)})"
    values.append(value)
    beyond = f"{column} {'<' if first.is_descending else '>'} ? or {column} is null"
    if not rest:
        return f"({beyond})"
    values.append(value)
    return f"({beyond} or ({column} = ? and {_after(rest, after[1:], values)}))"


def _value(mart: Mart, column: str, text: str) -> Any:
    kind = mart.columns[column].type
    try:
        return _typed(kind, _FALSE_TRUE[text.lower()] if kind == "BOOLEAN" else text)
    except (KeyError, ValueError, OverflowError):
        raise Problem(
            "wrong-value", 422, f"{text[:100]!r} is no {kind.lower()}, as {column} wants"
        ) from None


def _typed(kind: str, value: Any) -> Any:
    """Return a value of JSON or of a URL as one of a DuckDB type."""
    if value is None or isinstance(value, bool):
        return value
    if kind == "DATE":
        return date.fromisoformat(str(value))
    if kind.startswith("TIMESTAMP"):
        return datetime.fromisoformat(str(value))
    if kind == "BIGINT":
        whole = int(value)
        if not -(2**63) <= whole < 2**63:
            raise OverflowError
        return whole
    return float(value) if kind == "DOUBLE" else str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _quoted(columns: Sequence[str]) -> list[str]:
    return [f'"{column}"' for column in columns]
