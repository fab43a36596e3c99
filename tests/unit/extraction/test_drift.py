"""What is reported of answers that do not look like those before."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from pipelines.extraction import drift
from pipelines.extraction.drift import KNOWN_SCHEMA, Change, Shape, compare, shape_of
from pipelines.http.client import NumberText

NOW = datetime(2026, 1, 2, 6, tzinfo=UTC)
LATER = datetime(2026, 1, 3, 6, tzinfo=UTC)
NOTHING = pl.DataFrame(schema=KNOWN_SCHEMA)
BEFORE: list[Any] = [
    {"symbol": "BTC", "price": NumberText("1.5"), "note": None},
    {"symbol": "ETH", "price": 2, "note": None, "extra": "x"},
]


def reported(*loads: list[Any], words: tuple[dict[str, frozenset[str]], ...] = ()) -> list[str]:
    """Return what is reported of the last of several loads of one table."""
    known, changes = NOTHING, tuple[Change, ...]()
    for number, rows in enumerate(loads):
        shape = shape_of(rows, words[number] if words else None)
        known, changes = compare(known, {"t": shape}, {}, (NOW, LATER)[number > 0])
    return [str(change) for change in changes]


def test_the_first_answers_are_what_later_ones_are_held_against() -> None:
    assert reported(BEFORE) == []
    assert reported(BEFORE, BEFORE) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{**BEFORE[0], "fee": "1"}, BEFORE[1]], ["new column fee (text)"]),
        (
            [{"symbol": "BTC", "note": None}],
            ["missing column price (until 2026-01-02 in every row)"],
        ),
        ([{**BEFORE[0], "price": "1.5"}], ["changed type price (text, so far number)"]),
        ([{**BEFORE[0], "price": {"usd": 1}}], ["changed type price (object, so far number)"]),
        # an optional field comes and goes, and what was always null may have a value some day
        ([BEFORE[0]], []),
        ([{**BEFORE[0], "note": "n"}], []),
        ([{**BEFORE[0], "price": None}], []),
        # an answer without rows says nothing about its fields
        ([], []),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_reported_with_its_field(
    rows: list[Any], expected: list[str]
) -> None:
    assert reported(BEFORE, rows) == expected


def test_arrays_have_a_length_for_fields() -> None:
    assert reported([[1, 2, 3]], [[1, 2, 3, 4]]) == [
        "missing column 3 cells (until 2026-01-02 in every row)",
        "new column 4 cells (list)",
    ]


def test_a_new_word_of_an_open_set_is_reported_and_an_old_one_is_not() -> None:
    online, auction = (
        {"status": frozenset({"online"})},
        {"status": frozenset({"online", "auction"})},
    )
    assert reported(BEFORE, BEFORE, words=(online, auction)) == ["new value status = auction"]
    assert reported(BEFORE, BEFORE, words=(auction, online)) == []


def test_a_change_is_reported_once() -> None:
    changed = [{**row, "fee": 1} for row in BEFORE]
    assert reported(BEFORE, changed) == ["new column fee (number)"]
    assert reported(BEFORE, changed, changed) == []
    gone = [{"symbol": "BTC"}]
    assert len(reported(BEFORE, gone)) == 2
    assert reported(BEFORE, gone, gone) == []


def test_refused_rows_are_reported_by_column_and_problem() -> None:
    reasons = [("status: unknown value: A", "{}"), ("status: unknown value: B", "{}"),
               ("open: missing", "{}")]  # fmt: skip
    counts = drift.refusals(reasons)
    assert counts == Counter({("status", "unknown value"): 2, ("open", "missing"): 1})
    _, changes = compare(NOTHING, {}, {"t": counts}, NOW)
    assert [(change.column, change.row_count, str(change)) for change in changes] == [
        ("open", 1, "refused rows open (1 missing)"),
        ("status", 2, "refused rows status (2 unknown value)"),
    ]


def test_a_field_of_one_row_in_thousands_is_seen() -> None:
    rows: list[Any] = [{"a": 1}] * 5_000
    rows[2_501] = {"a": 1, "rare": "x"}
    assert "rare" in shape_of(rows).kinds
    assert "rare" not in shape_of(rows).always


def test_pages_of_one_answer_are_one_shape() -> None:
    both = shape_of([{"a": 1, "b": 1}]) | shape_of([{"a": "x"}])
    assert both.kinds == {"a": {"number", "text"}, "b": {"number"}}
    assert both.always == {"a"}
    assert Shape() | both == both | Shape() == both


def test_what_is_known_does_not_depend_on_the_order_of_tables() -> None:
    shapes = {"b": shape_of(BEFORE), "a": shape_of(BEFORE)}
    known, _ = compare(NOTHING, shapes, {}, NOW)
    other, _ = compare(NOTHING, dict(reversed(shapes.items())), {}, NOW)
    assert known.equals(other)
    assert known.schema == pl.Schema(KNOWN_SCHEMA)


def named(*loads: dict[str, bool], days: tuple[int, ...] = ()) -> list[str]:
    """Return what is reported of the last of several lists, each a day after the one before."""
    known, changes = pl.DataFrame(schema=drift.KNOWN_NAMES), tuple[Change, ...]()
    for number, names in enumerate(loads):
        now = NOW + timedelta(days=days[number] if days else number)
        known, changes = drift.compare_names(known, {"t": names}, now)
        assert known.schema == pl.Schema(drift.KNOWN_NAMES)
    return [str(change) for change in changes]


OLD, NEW = {"BTCUSDT": True, "MATICUSDT": True, "DOGEUSDT": False}, {"POLUSDT": False}
AFTER = {"BTCUSDT": True, "DOGEUSDT": False}


def test_a_name_that_is_gone_is_reported_once_with_the_new_one() -> None:
    line = "gone symbol MATICUSDT (listed until 2026-01-02, new are POLUSDT)"
    assert named(OLD) == []
    assert named(OLD, OLD | NEW) == [], "a listing is no news"
    assert named(OLD, AFTER | NEW) == [line]
    assert named(OLD, AFTER | NEW, AFTER | NEW) == []
    assert named(OLD, AFTER) == ["gone symbol MATICUSDT (listed until 2026-01-02)"]
    assert named(OLD, {"BTCUSDT": True, "MATICUSDT": True}) == [], "nobody asked for DOGE"


def test_the_new_name_may_be_some_days_older_and_is_the_one_most_like() -> None:
    others = {f"{code}EUR": False for code in "ABCDEF"}
    both = OLD | NEW
    reported = named(OLD, both, AFTER | NEW | others, days=(0, 1, 9))
    assert reported[0].startswith(
        "gone symbol MATICUSDT (listed until 2026-01-03, new are POLUSDT, "
    )
    assert reported[0].count(", ") == 3, "a few names, not a list"
    assert "POLUSDT" not in named(OLD, both, both, AFTER | NEW, days=(0, 1, 29, 30))[0]
    assert "DOGE" not in named(OLD, AFTER)[0], "it was there all the time"


def test_a_list_of_the_past_is_no_news_and_a_name_may_come_back() -> None:
    assert named(OLD, OLD | NEW, AFTER, days=(0, 5, 3)) == []
    assert named(OLD, AFTER, OLD) == []
    assert len(named(OLD, AFTER, OLD, AFTER)) == 1
