"""Files in bulk: their bytes from the wire, and their texts into typed rows."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from pipelines.http import HttpClient, RequestFailed, Usage
from pipelines.parsing import PayloadError, parse_rows, parse_texts
from pipelines.tables import Column, Table
from tests.unit.core.conftest import Answer, Wire

FACTS = Table(
    "facts",
    "A table of a test.",
    (
        Column("name", "text", "Name."),
        Column("at", "timestamp", "Instant."),
        Column("price", "decimal", "Price.", above=0),
        Column("count", "integer", "Count.", required=False, at_least=0),
    ),
    key=("name", "at"),
)


def client_of(wire: Wire, **options: Any) -> HttpClient:
    return HttpClient("testsource", wire.url, budget=None, max_attempts=2, **options)


def frame_of(*rows: tuple[str | None, ...]) -> pl.DataFrame:
    names = ["name", "at", "price", "count"]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def test_a_file_comes_as_it_is(wire: Wire) -> None:
    body = b"PK\x03\x04\xff\xfe"
    wire.says(Answer(body, headers={"Content-Type": "application/zip"}))
    client = client_of(wire)
    assert client.get_file("data/a.zip") == body
    assert client.usage == Usage(1, 0, 0, len(body))


def test_a_file_that_is_not_there_is_an_answer(wire: Wire) -> None:
    body = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'
    wire.says(Answer(body, status=404, headers={"Content-Type": "application/xml"}))
    assert client_of(wire).get_file("data/a.zip") is None


def test_html_is_no_file(wire: Wire) -> None:
    wire.says(Answer(b"<html></html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(PayloadError, match="answered HTML, not a file"):
        client_of(wire).get_file("data/a.zip")


def test_a_failing_host_is_no_missing_file(wire: Wire, naps: list[float]) -> None:
    wire.says(Answer(b"", status=500))
    with pytest.raises(RequestFailed):
        client_of(wire).get_file("data/a.zip")


def test_texts_are_held_to_the_declaration_as_payloads_are() -> None:
    rows = [
        ("a", "1700000000000", "1.5", "3"),
        ("a", "1700000000000", "0", "3"),
        ("a", "1700000000", "1.5", "3"),
        ("a", "1700000000000", "x", "3"),
        ("a", "1700000000000", "1.5", "-1"),
        ("a", "1700000000000", "0.123456789012345678", "3"),
        (None, "1700000000000", "1.5", "3"),
    ]
    cells = {name: index for index, name in enumerate(("name", "at", "price", "count"))}
    of_file = parse_texts(FACTS, frame_of(*rows), times={"at": "ms"})
    of_payload = parse_rows(FACTS, [list(row) for row in rows], cells, times={"at": "ms"})
    assert of_file.rows.equals(of_payload.rows)
    assert of_file.rows["price"].to_pylist() == [Decimal("1.5"), Decimal("0.123456789012345678")]
    assert [reason for reason, _ in of_file.refused] == [reason for reason, _ in of_payload.refused]


def test_an_empty_cell_says_nothing_and_a_refused_row_is_kept_as_it_was() -> None:
    parsed = parse_texts(
        FACTS,
        frame_of(("a", "1700000000000", "1.5", ""), ("a", "1700000000000", "", "7")),
        times={"at": "ms"},
    )
    assert parsed.rows["count"].to_pylist() == [None]
    assert parsed.refused == (
        ("price: missing", '{"name":"a","at":"1700000000000","price":"","count":"7"}'),
    )


def test_constants_stand_in_every_row_but_not_in_the_payload() -> None:
    frame = frame_of(("a", "1700000000000", "1.5", "1"), ("b", "x", "1.5", "1")).drop("name")
    parsed = parse_texts(FACTS, frame, constants={"name": "BTC"}, times={"at": "ms"})
    assert parsed.rows["name"].to_pylist() == ["BTC"]
    assert "BTC" not in parsed.refused[0][1]


def test_no_rows_give_no_rows() -> None:
    parsed = parse_texts(FACTS, frame_of(), times={"at": "ms"})
    assert (parsed.row_count, parsed.refused) == (0, ())
    assert parsed.rows.schema == FACTS.arrow_schema().remove(len(FACTS.columns))


def test_usages_add_up() -> None:
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)
