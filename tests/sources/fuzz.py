"""Damage to payloads, and what must hold for whatever a parser makes of them."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pipelines.core.payload import NumberText, PayloadError
from pipelines.core.tables import Table
from pipelines.extraction.parsing import Parsed

# the same examples in every run: a red build must be reproducible from its log alone
FUZZ = settings(max_examples=70, derandomize=True, deadline=None, database=None)

JUNK = st.sampled_from(
    [
        None, True, False, 0, -1, 1, 5, 10**25, 1.5, -0.0, 1e-9, 1.2e21, float("nan"), float("inf"),
        "", " ", "x", "-1", "0", "1e5", "1,5", "NaN", "\ud800", "\x00", "2024-13-45", "9" * 60,
        1_577_836_800, 1_577_836_800_000, 1_577_836_800_000_000, "1577836800",
        [], {}, [[]], [{}], {"": ""}, {"peggedEUR": 1}, {"peggedUSD": "x"}, {"error": "busy"},
        ["a", 1], {"date": 1}, {"nested": {"deeper": [1, [2, [3]]]}},
    ]
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every part of the payload, outermost first."""
    found = [path]
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, part in inner:
        found += _places(part, (*path, key))
    return found


def _damage(payload: Any, path: tuple[Any, ...], how: str, junk: Any) -> Any:
    if not path:
        return copy.deepcopy(junk) if how == "replace" else payload
    holder = payload
    for key in path[:-1]:
        holder = holder[key]
    key, value = path[-1], holder[path[-1]]
    if how == "drop":
        del holder[key]
    elif how == "truncate" and isinstance(value, (str, list)):
        holder[key] = value[: len(value) // 2]
    elif how == "nest":
        holder[key] = [value] if junk is None else {"value": value}
    elif how == "text":
        holder[key] = str(value)
    elif how == "twice" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    elif how == "last" and isinstance(holder, list):
        holder.append(holder.pop(key))
    else:
        holder[key] = copy.deepcopy(junk)  # or it would come to hold itself
    return payload


@st.composite
def damaged(draw: st.DrawFn, payload: Any) -> Any:
    """Draw the payload with one to four damages, as the HTTP client would read it."""
    result = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(_places(result)))
        how = draw(
            st.sampled_from(["drop", "truncate", "nest", "text", "twice", "last", "replace"])
        )
        result = _damage(result, path, how, draw(JUNK))
    return json.loads(json.dumps(result), parse_float=NumberText)


def outcome(parse: Callable[[Any], Parsed], payload: Any) -> Parsed | None:
    """Parse; the only error allowed is a `PayloadError`."""
    try:
        parsed = parse(payload)
    except PayloadError:
        return None
    table = parsed.table
    assert parsed.rows.schema == table.arrow_schema().remove(len(table.columns))
    for reason, refused in parsed.refused:
        assert reason.partition(": ")[2], f"no reason: {reason!r}"
        json.loads(refused)
    for row in parsed.rows.to_pylist():
        _keeps_its_declaration(table, row)
    return parsed


def _keeps_its_declaration(table: Table, row: Mapping[str, Any]) -> None:
    for column in table.columns:
        value = row[column.name]
        if value is None:
            assert not column.required, f"{column.name} is null: {row}"
            continue
        assert column.kind != "text" or value, f"{column.name} is empty: {row}"
        assert column.above is None or value > column.above, f"{column.name}: {row}"
        assert column.at_least is None or value >= column.at_least, f"{column.name}: {row}"
        assert column.one_of is None or value in column.one_of, f"{column.name}: {row}"
        if isinstance(value, datetime):
            assert value.year >= 2009, f"{column.name}: {row}"


def same(value: Any, cell: Any) -> bool:
    """Tell whether a landed value says what the received cell said."""
    if isinstance(value, Decimal):
        try:
            return abs(value - Decimal(str(cell))) <= Decimal("0.5e-18")
        except InvalidOperation:
            return False
    if isinstance(value, datetime):
        return str(int(value.timestamp())) in str(cell)[:10]
    return bool(str(value) == str(cell))


def numbers_in(payload: Any) -> set[Decimal]:
    """Return every number in the payload, written as one or as text, to 18 digits."""
    if isinstance(payload, (dict, list)):
        parts = payload.values() if isinstance(payload, dict) else payload
        return set().union(*(numbers_in(part) for part in parts))
    if isinstance(payload, bool):
        return set()
    try:
        number = Decimal(str(payload))
        return {number.quantize(Decimal("1e-18"), context=Context(prec=80))}
    except InvalidOperation:
        return set()


def says_nothing_new(
    parsed: Parsed | None,
    received: Any,
    cells: Mapping[str, int],
    is_null: Callable[[Any], bool] = lambda cell: False,
) -> None:
    """Assert that every landed row is one of the arrays received, cell by cell."""
    for row in parsed.rows.to_pylist() if parsed else ():
        assert any(
            isinstance(array, list)
            and len(array) > max(cells.values())
            and all(
                same(row[name], array[index]) or (row[name] is None and is_null(array[index]))
                for name, index in cells.items()
            )
            for array in received
        ), f"a row that nobody sent: {row}"
