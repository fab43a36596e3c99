"""What answers look like, and how that differs from how they looked before. Pure.

Sources add, drop and retype fields without a word. What a raw table lands is held to its
declaration (`tables`), so that no change can make a wrong row or another column; this module makes
every change news: fields that are new, gone, of another type, new words of an open set, and rows
that were refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Any, Literal

import polars as pl

# of so many rows of an answer every cell is looked at; of the others the names of the fields
SAMPLE_ROWS = 300
# a set of words longer than this is none
MAX_WORDS = 200
# what a field that holds one word of a set is called, beside the field itself
_WORD = "{field} = {word}"
_KINDS = {
    str: "text", int: "number", float: "number", Decimal: "number", bool: "boolean",
    dict: "object", list: "list",
}  # fmt: skip

ChangeKind = Literal[
    "new column",
    "missing column",
    "changed type",
    "new value",
    "refused rows",
    "unread cells",
    "gone symbol",
]
# what is called otherwise now may have been listed so long before its old name was over
RENAMED_WITHIN = timedelta(days=14)
MAX_NAMES = 3

KNOWN_SCHEMA: dict[str, Any] = {
    "table_name": pl.String,
    "field": pl.String,
    "kinds": pl.String,
    "is_always": pl.Boolean,
    "first_seen_at": pl.Datetime("us", "UTC"),
    "last_seen_at": pl.Datetime("us", "UTC"),
}
KNOWN_NAMES: dict[str, Any] = {
    "table_name": pl.String,
    "name": pl.String,
    "is_asked": pl.Boolean,
    "is_listed": pl.Boolean,
    "first_seen_at": pl.Datetime("us", "UTC"),
    "last_seen_at": pl.Datetime("us", "UTC"),
}
CHANGE_SCHEMA: dict[str, Any] = {
    "table_name": pl.String,
    "change": pl.String,
    "column": pl.String,
    "detail": pl.String,
    "row_count": pl.Int64,
    "seen_at": pl.Datetime("us", "UTC"),
    "run_id": pl.String,
    "reported_in": pl.String,
}


@dataclass(frozen=True)
class Shape:
    """What the rows of answers look like.

    Attributes:
        kinds: for each field of the source's own rows the JSON types that it had, null left out;
            rows that are arrays have one field, their length.
        always: fields that every row had.
        words: for each column declared as an open set the words that it had.
    """

    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __or__(self, other: Shape) -> Shape:
        """Return what both look like together."""
        if not self.kinds:
            return other
        if not other.kinds:
            return self
        nothing: frozenset[str] = frozenset()
        return Shape(
            {
                name: self.kinds.get(name, nothing) | other.kinds.get(name, nothing)
                for name in {**self.kinds, **other.kinds}
            },
            self.always & other.always,
            {
                name: self.words.get(name, nothing) | other.words.get(name, nothing)
                for name in {**self.words, **other.words}
            },
        )


@dataclass(frozen=True)
class Change:
    """One difference of a raw table's answers to those before.

    Attributes:
        table_name: the raw table.
        change: what kind of difference.
        column: the field, as the source calls it; of refused rows and unread cells the raw table's
            column.
        detail: more about it.
        row_count: refused rows, unread cells; 1 for the others.
    """

    table_name: str
    change: ChangeKind
    column: str
    detail: str = ""
    row_count: int = 1

    def __str__(self) -> str:
        return f"{self.change} {self.column}{f' ({self.detail})' if self.detail else ''}"


def shape_of(rows: Sequence[Any], words: Mapping[str, frozenset[str]] | None = None) -> Shape:
    """Return what the rows of an answer look like, as the source sent them."""
    kinds: dict[str, frozenset[str]] = {}
    always: frozenset[str] | None = None
    for row in rows if len(rows) <= SAMPLE_ROWS else _sample(rows):
        cells = row if isinstance(row, dict) else {}
        if isinstance(row, list):
            cells = {f"{len(row)} cells": row}
        names = frozenset(cells)
        always = names if always is None else always & names
        for name, value in cells.items():
            kind = _kind(value)
            if kind not in kinds.setdefault(name, frozenset()) and kind is not None:
                kinds[name] |= {kind}
    if len(rows) > SAMPLE_ROWS:
        for name in set().union(*(row for row in rows if isinstance(row, dict))):
            kinds.setdefault(name, frozenset())
    return Shape(kinds, always or frozenset(), words or {})


def _sample(rows: Sequence[Any]) -> Iterator[Any]:
    """Yield rows of all over, the first and the last ones among them."""
    part = SAMPLE_ROWS // 3
    yield from rows[:part]
    yield from rows[part : -part : max(1, len(rows) // part)]
    yield from rows[-part:]


def _kind(value: Any) -> str | None:
    if value is None or value == "":
        return None
    found = _KINDS.get(type(value))
    if found is None:
        # a JSON number that was kept as its text
        return "number" if isinstance(value, str) else type(value).__name__
    return found


def refusals(refused: Sequence[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Count refused rows by column and problem, the value left out: `status: unknown value: X`."""
    counts: Counter[tuple[str, str]] = Counter()
    for reason, _ in refused:
        column, _, problem = reason.partition(": ")
        counts[column, problem.partition(": ")[0]] += 1
    return counts


def compare(
    known: pl.DataFrame,
    shapes: Mapping[str, Shape],
    refused: Mapping[str, Counter[tuple[str, str]]],
    now: datetime,
    unread: Mapping[str, Counter[tuple[str, str]]] | None = None,
) -> tuple[pl.DataFrame, tuple[Change, ...]]:
    """Return what is known from now on, and what is new about it.

    The first answers of a table are what later ones are compared with.

    Args:
        known: one row per table and field, as this function returned it before.
        shapes: what the answers look like now, by raw table.
        refused: refused rows by raw table, then by column and problem.
        now: the run's instant.
        unread: optional cells that were not read, as the refused rows.

    Returns:
        `known` brought up to date (columns `KNOWN_SCHEMA`), and the changes, sorted.
    """
    lines = {(line["table_name"], line["field"]): line for line in known.to_dicts()}
    before: dict[str, set[str]] = {}
    for table_name, name in lines:
        before.setdefault(table_name, set()).add(name)
    changes: set[Change] = set()
    for table_name, shape in shapes.items():
        if not shape.kinds:
            continue
        seen = _fields(shape)
        is_first = table_name not in before
        for name, (kinds, is_always, is_word) in seen.items():
            line = lines.get((table_name, name))
            if line is None:
                if not is_first:
                    kind: ChangeKind = "new value" if is_word else "new column"
                    changes.add(Change(table_name, kind, name, "" if is_word else _listed(kinds)))
                lines[table_name, name] = {
                    "table_name": table_name,
                    "field": name,
                    "kinds": ",".join(sorted(kinds)),
                    "is_always": is_always,
                    "first_seen_at": now,
                    "last_seen_at": now,
                }
                continue
            had = frozenset(filter(None, line["kinds"].split(",")))
            if had and kinds - had:
                new = f"{_listed(kinds - had)}, so far {_listed(had)}"
                changes.add(Change(table_name, "changed type", name, new))
            line["kinds"] = ",".join(sorted(had | kinds))
            line["is_always"] = line["is_always"] and is_always
            line["last_seen_at"] = max(now, line["last_seen_at"])
        for name in before.get(table_name, set()) - set(seen):
            line = lines[table_name, name]
            if line["is_always"]:
                since = f"until {line['last_seen_at']:%Y-%m-%d} in every row"
                changes.add(Change(table_name, "missing column", name, since))
                line["is_always"] = False
    reported: tuple[tuple[ChangeKind, Mapping[str, Counter[tuple[str, str]]]], ...] = (
        ("refused rows", refused),
        ("unread cells", unread or {}),
    )
    for change, by_table in reported:
        for table_name, counts in by_table.items():
            changes |= {
                Change(table_name, change, column, f"{count} {problem}".strip(), count)
                for (column, problem), count in counts.items()
            }
    kept = [lines[key] for key in sorted(lines)]
    order = sorted(changes, key=lambda change: (change.table_name, change.change, change.column))
    return pl.DataFrame(kept, schema=KNOWN_SCHEMA), tuple(order)


def compare_names(
    known: pl.DataFrame, listed: Mapping[str, Mapping[str, bool]], now: datetime
) -> tuple[pl.DataFrame, tuple[Change, ...]]:
    """Return what lists have named so far, and which names that were asked for are gone.

    Of a name that is gone the new ones most like it are reported: it may be called so now.

    Args:
        known: one row per table and name, as this function returned it before.
        listed: by raw table the names in its list now, and whether each is asked for.
        now: the run's instant.

    Returns:
        `known` brought up to date (columns `KNOWN_NAMES`), and the changes, sorted.
    """
    parts, changes = [], list[Change]()
    for table_name, names in listed.items():
        before = known.filter(pl.col("table_name") == table_name)
        if before.filter(pl.col("last_seen_at") > now).height:
            continue  # a look at the past is no news
        seen = pl.DataFrame(
            {"name": list(names), "is_asked": list(names.values())},
            schema={"name": pl.String, "is_asked": pl.Boolean},
        )
        is_now = pl.col("is_asked_right").is_not_null()
        merged = before.join(seen, on="name", how="full", coalesce=True).sort("name")
        gone = merged.filter("is_listed", "is_asked", ~is_now)
        # what was in the first list that was ever seen may be of any age
        is_new = (pl.col("first_seen_at") > now - RENAMED_WITHIN) & (
            pl.col("first_seen_at") > pl.col("first_seen_at").min()
        )
        fresh = merged.filter(is_now, is_new.fill_null(True))["name"]
        for line in gone.to_dicts():
            reported = f"listed until {line['last_seen_at']:%Y-%m-%d}"
            if like := _most_like(line["name"], fresh):
                reported += f", new are {', '.join(like)}"
            changes.append(Change(table_name, "gone symbol", line["name"], reported))
        parts.append(
            merged.select(
                pl.lit(table_name).alias("table_name"),
                "name",
                is_asked=pl.col("is_asked").fill_null(False)
                | pl.col("is_asked_right").fill_null(False),
                is_listed=is_now,
                first_seen_at=pl.col("first_seen_at").fill_null(now),
                last_seen_at=pl.when(is_now).then(now).otherwise("last_seen_at"),
            ).cast(pl.Schema(KNOWN_NAMES))
        )
    looked_at = [part["table_name"][0] for part in parts if part.height]
    rest = known.filter(~pl.col("table_name").is_in(looked_at))
    order = sorted(changes, key=lambda change: (change.table_name, change.column))
    return pl.concat([rest, *parts]).sort("table_name", "name"), tuple(order)


def _most_like(name: str, others: Iterable[str]) -> list[str]:
    """Return the few names that share the longest end or beginning with a name."""

    def unlikeness(other: str) -> tuple[int, str]:
        return -max(_shared(name, other), _shared(name[::-1], other[::-1])), other

    return sorted(others, key=unlikeness)[:MAX_NAMES]


def _shared(one: str, other: str) -> int:
    """Return how long the beginning is that two names share."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _fields(shape: Shape) -> dict[str, tuple[frozenset[str], bool, bool]]:
    """Return kinds, whether every row had it, and whether it is a word, of fields and words."""
    found = {name: (kinds, name in shape.always, False) for name, kinds in shape.kinds.items()}
    nothing: frozenset[str] = frozenset()
    for column, words in shape.words.items():
        for word in sorted(words)[:MAX_WORDS]:
            found[_WORD.format(field=column, word=word)] = (nothing, False, True)
    return found


def _listed(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(kinds)) or "null"
