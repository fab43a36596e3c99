"""Any JSON value in any cell: a typed row with the right value, or a refused row with a reason."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.core.payload import NumberText, PayloadError
from pipelines.core.tables import QUARANTINE, Column, Table
from pipelines.extraction.parsing import (
    EARLIEST,
    Parsed,
    expect_list,
    expect_object,
    parse_rows,
    quarantine_rows,
    stamp,
)
from tests.unit.json_values import FUZZ, json_values, number_texts, over_the_wire

LATEST = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
EXACT = Context(prec=1000, Emax=999_999, Emin=-999_999)


def table_of(*columns: Column) -> Table:
    return Table("t", "A table of a test.", columns, key=(columns[0].name,))


def parse_cell(column: Column, cell: Any, **options: Any) -> Parsed:
    return parse_rows(table_of(column), [[cell]], {column.name: 0}, **options)


def value_of(parsed: Parsed) -> Any:
    assert parsed.row_count == 1, f"refused: {parsed.refused}"
    return parsed.rows[0][0].as_py()


@pytest.mark.parametrize(
    "cell",
    [
        NumberText("1e" + "9" * 100_000),
        NumberText("-1e999999999"),
        NumberText("1." + "9" * 1_000_000),
        10**4_000,
        "9" * 5_000_000,
        "\x00",
        "\ud800",
        json.loads("[" * 900 + "]" * 900),
    ],
    ids=["exponent", "tiny", "digits", "integer", "text", "NUL", "half a pair", "nested"],
)
@pytest.mark.parametrize("kind", ["text", "decimal", "timestamp"])
def test_a_hostile_cell_is_a_row_or_a_reason_at_once(cell: Any, kind: Any) -> None:
    started = time.monotonic()
    column = Column("c", kind, "A cell.")
    parsed = parse_cell(column, cell, times={"c": "s"} if kind == "timestamp" else {})
    assert parsed.rows.num_rows + len(parsed.refused) == 1
    parsed.rows.to_pylist()
    # alone on a machine it takes hundredths of a second
    assert time.monotonic() - started < 5


def reason_of(parsed: Parsed) -> str:
    assert parsed.row_count == 0, f"accepted: {parsed.rows.to_pylist()}"
    (reason, _payload), *others = parsed.refused
    assert not others
    return reason


def unread_reason_of(parsed: Parsed) -> str:
    """Why an optional cell is null although something was sent."""
    assert value_of(parsed) is None
    ((reason, _payload),) = parsed.unread
    return reason


def one_or_the_other(parsed: Parsed, row_count: int) -> None:
    """What every outcome must be, whatever came in."""
    assert parsed.row_count + len(parsed.refused) == row_count
    assert {payload for _, payload in parsed.unread}.isdisjoint(
        payload for _, payload in parsed.refused if parsed.row_count == 0
    )
    assert parsed.rows.schema == parsed.table.arrow_schema().remove(len(parsed.table.columns))
    for reason, payload in (*parsed.refused, *parsed.unread):
        assert reason
        json.loads(payload)
    reported = quarantine_rows(parsed, "entity", "run", LATEST)
    assert (reported.num_rows if reported else 0) == len(parsed.refused) + len(parsed.unread)
    assert stamp(parsed, LATEST).schema == parsed.table.arrow_schema()


# --- fuzz: one oracle in plain Python for each type -------------------------------------------


def as_number(cell: Any) -> Decimal | None:
    """Return what the cell says, if it is a number or the plain text of one."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return None
    text = str(cell)
    return EXACT.create_decimal(text) if NUMBER.fullmatch(text) else None


@FUZZ
@given(json_values)
@example("0.1234567890123456785")
@example(["0"])
@example([])
@example(NumberText("1e-7"))
@example("\ud800")
def test_a_decimal_is_exact_to_18_digits_or_refused(cell: Any) -> None:
    cell = over_the_wire(cell)
    parsed = parse_cell(Column("x", "decimal", "A number.", required=False), cell)
    one_or_the_other(parsed, 1)
    number = as_number(cell)
    if cell is None:
        assert value_of(parsed) is None
    elif number is None:
        assert unread_reason_of(parsed).startswith("x: not a decimal")
    elif not parsed.unread:
        rounded = number.quantize(Decimal("1e-18"), ROUND_HALF_EVEN, EXACT)
        assert abs(value_of(parsed) - number) <= Decimal("0.5e-18")
        if rounded == number:
            assert value_of(parsed) == number
    else:
        too_large = abs(number) >= Decimal(10) ** 20
        assert too_large or len(str(cell)) > 38, f"a plain number was refused: {cell!r}"


@FUZZ
@given(st.decimals(min_value=0, max_value=10**15, places=18) | st.floats(0, 1e15))
def test_no_digit_is_lost_between_json_and_decimal(number: Any) -> None:
    body = json.dumps([str(number) if isinstance(number, Decimal) else number])
    (cell,) = json.loads(body, parse_float=NumberText)
    parsed = parse_cell(Column("x", "decimal", "A number."), cell)
    expected = EXACT.create_decimal(repr(number) if isinstance(number, float) else str(number))
    assert abs(value_of(parsed) - expected) <= Decimal("0.5e-18")


@FUZZ
@given(json_values | number_texts)
@example(True)
@example(2**63)
@example("5.0")
def test_an_integer_is_whole_or_refused(cell: Any) -> None:
    cell = over_the_wire(cell)
    parsed = parse_cell(Column("x", "integer", "A count.", required=False), cell)
    one_or_the_other(parsed, 1)
    if not parsed.unread and cell is not None:
        assert not isinstance(cell, (bool, list, dict)), "a number was read from something else"
        assert value_of(parsed) == int(cell)
    if type(cell) is int and -(2**63) <= cell < 2**63:
        assert value_of(parsed) == cell


@FUZZ
@given(json_values)
@example("true")
@example(1)
def test_only_true_and_false_are_booleans(cell: Any) -> None:
    cell = over_the_wire(cell)
    parsed = parse_cell(Column("x", "boolean", "A flag.", required=False), cell)
    one_or_the_other(parsed, 1)
    if cell is None or isinstance(cell, bool):
        assert value_of(parsed) is cell
    else:
        assert unread_reason_of(parsed).startswith("x: not a boolean")


@FUZZ
@given(json_values)
@example(5)
@example(1.5)
@example({"a": 1})
@example("\udfff")
def test_only_text_is_text(cell: Any) -> None:
    cell = over_the_wire(cell)
    parsed = parse_cell(Column("x", "text", "A name.", required=False), cell)
    one_or_the_other(parsed, 1)
    if isinstance(cell, str) and not isinstance(cell, NumberText) and cell.isprintable() and cell:
        assert value_of(parsed) == cell
    if (not isinstance(cell, str) and cell is not None) or isinstance(cell, NumberText):
        assert unread_reason_of(parsed).startswith("x: not a text")


@FUZZ
@given(json_values, st.sampled_from(["s", "ms", "us"]))
@example(1_577_836_800_000, "s")
@example(1_577_836_800, "ms")
@example(2**63 - 1, "s")
@example(True, "s")
def test_an_instant_is_right_or_refused(cell: Any, unit: Any) -> None:
    cell = over_the_wire(cell)
    column = Column("at", "timestamp", "When.", required=False)
    parsed = parse_cell(column, cell, times={"at": unit}, latest=LATEST)
    one_or_the_other(parsed, 1)
    if not parsed.unread and cell is not None:
        scale = {"s": 1, "ms": 10**3, "us": 10**6}[unit]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert value_of(parsed) == epoch + timedelta(microseconds=int(cell) * 10**6 // scale)
        assert EARLIEST <= value_of(parsed) <= LATEST


@FUZZ
@given(json_values)
@example("2020-02-29T00:00:00.000000000Z")
@example("2020-02-30T00:00:00Z")
@example(20200101)
def test_an_iso_instant_is_right_or_refused(cell: Any) -> None:
    cell = over_the_wire(cell)
    column = Column("at", "timestamp", "When.", required=False)
    parsed = parse_cell(column, cell, times={"at": "iso"}, latest=LATEST)
    one_or_the_other(parsed, 1)
    if not parsed.unread and cell is not None:
        shortened = re.sub(r"(\.\d{6})\d+", r"\1", cell)
        expected = datetime.fromisoformat(shortened)
        assert value_of(parsed) == expected.replace(tzinfo=expected.tzinfo or UTC)


CANDLE = table_of(
    Column("name", "text", "Name.", one_of=frozenset({"a", "b"})),
    Column("at", "timestamp", "When."),
    Column("price", "decimal", "Price.", above=0),
    Column("amount", "decimal", "Amount.", at_least=0, required=False),
    Column("count", "integer", "Count.", at_least=0),
    Column("ratio", "double", "Ratio.", required=False),
    Column("is_on", "boolean", "Flag.", required=False),
)


@FUZZ
@given(st.lists(json_values | st.lists(json_values, min_size=5, max_size=9), max_size=5))
def test_any_rows_in_an_array_table(rows: list[Any]) -> None:
    rows = over_the_wire(rows)
    cells = {column.name: index for index, column in enumerate(CANDLE.columns)}
    parsed = parse_rows(CANDLE, rows, cells, times={"at": "s"}, latest=LATEST)
    one_or_the_other(parsed, len(rows))


@FUZZ
@given(
    st.lists(
        json_values
        | st.fixed_dictionaries(
            {}, optional={column.name: json_values for column in CANDLE.columns}
        ),
        max_size=5,
    )
)
def test_any_rows_in_an_object_table(rows: list[Any]) -> None:
    rows = over_the_wire(rows)
    cells = {column.name: column.name for column in CANDLE.columns}
    parsed = parse_rows(CANDLE, rows, cells, times={"at": "ms"}, latest=LATEST)
    one_or_the_other(parsed, len(rows))


# --- single statements ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("7195.24000000", "7195.24"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        (NumberText("1e-7"), "0.0000001"),
        (NumberText("1.5E+3"), "1500"),
        (127670074069, "127670074069"),
        (NumberText("127670074069.01582"), "127670074069.01582"),
        ("-0", "0"),
    ],
)
def test_decimals_keep_every_digit(cell: Any, expected: str) -> None:
    assert value_of(parse_cell(Column("x", "decimal", "."), cell)) == Decimal(expected)


@pytest.mark.parametrize(
    "cell",
    ["", " 1", "1,000", "1_000", "0x10", "nan", "Infinity", "abc", True, [], ["1"], {"a": 1},
     10**20, "123456789012345678901", "99999999999999999999.9999999999999999999", float("nan")],
)  # fmt: skip
def test_what_is_no_decimal_is_refused(cell: Any) -> None:
    assert reason_of(parse_cell(Column("x", "decimal", "."), cell)).startswith("x: not a decimal: ")
    optional = parse_cell(Column("x", "decimal", ".", required=False), cell)
    assert unread_reason_of(optional).startswith("x: not a decimal: ")


@pytest.mark.parametrize("cell", ["5.0", NumberText("1e3"), True, 2**63, "", "5,0"])
def test_what_is_no_integer_is_refused(cell: Any) -> None:
    assert reason_of(parse_cell(Column("x", "integer", "."), cell)).startswith("x: not a")


@pytest.mark.parametrize(
    ("unit", "cell", "reason"),
    [
        ("s", 1_577_836_800_000, "at: in the future"),
        ("s", 1_577_836_800_000_000, "at: not a timestamp"),
        ("ms", 1_577_836_800, "at: before 2009"),
        ("ms", 1_577_836_800_000_000, "at: in the future"),
        ("us", 1_577_836_800_000, "at: before 2009"),
        ("us", 1_577_836_800_000_000_000, "at: in the future"),
        ("s", 0, "at: before 2009"),
        ("s", -1, "at: before 2009"),
        ("s", NumberText("1577836800.5"), "at: not a timestamp"),
        ("iso", 1_577_836_800, "at: not a timestamp"),
        ("iso", "2026-01-01T00:00:01Z", "at: in the future"),
        ("iso", "2008-12-31", "at: before 2009"),
        ("iso", "yesterday", "at: not a timestamp"),
    ],
)
def test_a_wrong_unit_shows_by_its_magnitude(unit: Any, cell: Any, reason: str) -> None:
    column = Column("at", "timestamp", "When.")
    assert reason_of(parse_cell(column, cell, times={"at": unit}, latest=LATEST)).startswith(reason)


@pytest.mark.parametrize(
    ("unit", "cell"),
    [
        ("s", 1_577_836_800),
        ("s", "1577836800"),
        ("ms", 1_577_836_800_000),
        ("us", 1_577_836_800_000_000),
        ("iso", "2020-01-01T00:00:00.000000000Z"),
        ("iso", "2020-01-01T00:00:00Z"),
        ("iso", "2020-01-01T01:00:00.000000000+01:00"),
        ("iso", "2020-01-01"),
    ],
)
def test_each_unit_gives_the_same_instant(unit: Any, cell: Any) -> None:
    column = Column("at", "timestamp", "When.")
    assert value_of(parse_cell(column, cell, times={"at": unit})) == datetime(
        2020, 1, 1, tzinfo=UTC
    )


def test_a_parser_that_declares_no_unit_is_reported() -> None:
    with pytest.raises(ValueError, match="at: the parser must declare the unit"):
        parse_cell(Column("at", "timestamp", "When."), 1)


def test_what_must_be_there_is_missed() -> None:
    columns = [Column("a", kind, ".") for kind in ("text", "decimal", "integer", "boolean")]
    for column in columns:
        assert reason_of(parse_cell(column, None)) == "a: missing"
    assert reason_of(parse_cell(columns[0], "")) == "a: missing", "an empty text says nothing"


def test_an_absent_key_is_a_missing_value() -> None:
    table = table_of(Column("a", "text", "."), Column("b", "decimal", ".", required=False))
    parsed = parse_rows(table, [{"a": "x"}, {"b": "1"}], {"a": "a", "b": "b"})
    assert parsed.rows.to_pylist() == [{"a": "x", "b": None}]
    assert parsed.refused == (("a: missing", '{"b":"1"}'),)


def test_bounds_are_exact() -> None:
    above = Column("p", "decimal", ".", above=0)
    assert reason_of(parse_cell(above, "0.00")) == "p: not above 0: 0.00"
    assert reason_of(parse_cell(above, "-1")) == "p: not above 0: -1"
    assert value_of(parse_cell(above, "0.000000000000000001")) > 0
    at_least = Column("v", "decimal", ".", at_least=0)
    assert reason_of(parse_cell(at_least, "-0.000000000000000001")).startswith("v: below 0")
    assert value_of(parse_cell(at_least, "0")) == 0
    assert reason_of(parse_cell(Column("n", "integer", ".", at_least=0), -1)) == "n: below 0: -1"
    ratio = Column("r", "double", ".")
    assert reason_of(parse_cell(ratio, "nan")) == "r: not finite: nan"
    assert reason_of(parse_cell(ratio, "1e999")) == "r: not finite: 1e999"


def test_a_closed_set_refuses_new_values() -> None:
    column = Column("status", "text", ".", one_of=frozenset({"TRADING"}))
    assert value_of(parse_cell(column, "TRADING")) == "TRADING"
    assert reason_of(parse_cell(column, "trading")) == "status: unknown value: trading"


def test_the_first_wrong_column_is_the_reason_and_the_payload_is_kept() -> None:
    table = table_of(Column("a", "decimal", ".", above=0), Column("b", "integer", "."))
    row = ["-1", "x", {"more": [1, None]}]
    parsed = parse_rows(table, [row], {"a": 0, "b": 1})
    assert parsed.refused == (("a: not above 0: -1", '["-1","x",{"more":[1,null]}]'),)


def test_short_rows_and_other_containers_are_refused() -> None:
    table = table_of(Column("a", "integer", "."), Column("b", "integer", "."))
    rows = [[1, 2], [1], {"a": 1}, None, "12", 12, []]
    parsed = parse_rows(table, rows, {"a": 0, "b": 1})
    assert parsed.rows.to_pylist() == [{"a": 1, "b": 2}]
    assert [reason for reason, _ in parsed.refused] == [
        "row: expected 2 cells, got 1",
        "row: expected list, got dict",
        "row: expected list, got NoneType",
        "row: expected list, got str",
        "row: expected list, got int",
        "row: expected 2 cells, got 0",
    ]


def test_no_rows_are_no_rows() -> None:
    parsed = parse_rows(table_of(Column("a", "decimal", ".")), [], {"a": 0})
    assert (parsed.row_count, parsed.refused) == (0, ())


def test_a_constant_stands_in_every_row() -> None:
    table = table_of(Column("symbol", "text", "."), Column("n", "integer", "."))
    parsed = parse_rows(table, [[1], [2]], {"n": 0}, constants={"symbol": "BTCUSDT"})
    assert parsed.rows["symbol"].to_pylist() == ["BTCUSDT", "BTCUSDT"]


def test_half_a_surrogate_is_quarantined_readably() -> None:
    parsed = parse_cell(Column("name", "text", "."), json.loads('"a\\ud800"'))
    assert parsed.refused == (("name: not a text: a\\ud800", '["a\\ud800"]'),)
    rejected = quarantine_rows(parsed, "e", "r", LATEST)
    assert rejected is not None
    assert rejected.schema == QUARANTINE.arrow_schema()


def test_between_is_half_open() -> None:
    table = table_of(Column("at", "timestamp", "."))
    days = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    parsed = parse_rows(
        table, [[int(day.timestamp())] for day in days], {"at": 0}, times={"at": "s"}
    )
    assert parsed.between("at", days[0], days[2]).rows["at"].to_pylist() == days[:2]


def test_stamp_adds_the_runs_clock() -> None:
    rows = stamp(parse_cell(Column("a", "integer", "."), 1), LATEST)
    assert rows.to_pylist() == [{"a": 1, "fetched_at": LATEST}]
    assert rows.schema.field("fetched_at").type == pa.timestamp("us", tz="UTC")


def test_containers_are_checked_by_name() -> None:
    assert expect_list([1], "x") == [1]
    assert expect_object({"a": 1}, "x") == {"a": 1}
    with pytest.raises(PayloadError, match=r'candles: expected a list, got dict \{"message"'):
        expect_list({"message": "NotFound"}, "candles")
    with pytest.raises(PayloadError, match="products: expected an object, got NoneType null"):
        expect_object(None, "products")
