"""Files in bulk: their bytes from the wire, and their texts into typed rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.payload import PayloadError
from pipelines.core.settings import Settings, SettingsError, SourceOverrides
from pipelines.core.tables import Column, Table
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.parsing import Parsed, parse_rows, parse_texts
from pipelines.extraction.run import Extraction, Incomplete, Item
from pipelines.extraction.source import begin_extraction, files_client_for
from pipelines.http.client import Budget, HttpClient, RequestFailed, Usage
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog
from tests.unit.conftest import Answer, Wire
from tests.unit.fake_source import DAILY, NAME, FakeClient, daily_source, days, instant, use

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

WINDOW = Window.between(date(2025, 11, 8), date(2025, 11, 10))


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
    assert of_file.rows.select(["price", "count"]).to_pylist() == [
        {"price": Decimal("1.5"), "count": 3},
        {"price": Decimal("1.5"), "count": None},
        {"price": Decimal("0.123456789012345678"), "count": 3},
    ]
    assert [reason for reason, _ in of_file.unread] == ["count: below 0: -1"]
    assert [reason for reason, _ in of_payload.unread] == ["count: below 0: -1"]
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


def facts(name: str) -> Parsed:
    return parse_texts(FACTS, frame_of((name, "1700000000000", "1", "1")), times={"at": "ms"})


def run_with(files: FakeClient | None = None) -> Extraction:
    now = instant(2025, 11, 11, 6)
    return Extraction(FakeClient(), now, "run-1", frozenset(), files=files)  # type: ignore[arg-type]


def test_a_second_table_goes_along_and_counts_for_nothing() -> None:
    run = run_with()
    items = list(
        run.pull(DAILY, "A", WINDOW, lambda: [facts("file"), days("A", WINDOW)],
                 reaches=instant(2025, 11, 10))
    )  # fmt: skip
    assert [(name, rows.num_rows) for name, rows in items] == [("facts", 1), ("daily", 3)]
    (line,) = run.log().to_pylist()
    assert (line["status"], line["rows_landed"]) == ("ok", 3)


def test_an_answer_that_says_it_is_incomplete_is_partial_and_no_failure() -> None:
    run = run_with()

    def pages() -> Iterator[Parsed]:
        yield days("A", WINDOW)
        raise Incomplete("2 of 3 candles in a.zip")

    items = list(run.pull(DAILY, "A", WINDOW, pages, reaches=instant(2025, 11, 10)))
    assert [name for name, _ in items] == ["daily"]
    (line,) = run.log().to_pylist()
    assert (line["status"], line["error"]) == ("partial", "2 of 3 candles in a.zip")
    assert (run.failures, run.refusals) == ([], [])


def test_requests_to_both_hosts_are_counted() -> None:
    files = FakeClient()
    run = run_with(files)

    def pages() -> Iterator[Parsed]:
        run.client.spend(2)  # type: ignore[attr-defined]
        files.spend(3)
        yield days("A", WINDOW)

    list(run.pull(DAILY, "A", WINDOW, pages))
    assert run.log().to_pylist()[0]["request_count"] == 5
    assert run.usage.request_count == 5


def test_the_second_host_is_a_mount_of_the_sandbox_or_the_live_one(settings: Settings) -> None:
    source = replace(daily_source(), files_url="https://files.example", files_budget=Budget(1.0))
    assert files_client_for(daily_source(), settings) is None
    client = files_client_for(source, settings)
    assert client is not None
    assert client.base_url == f"{settings.sandbox_url}/{NAME}_files"
    live = settings.model_copy(update={"profile": "live"})
    client = files_client_for(source, live)
    assert client is not None
    assert client.base_url == "https://files.example"
    overrides = SourceOverrides(files_url="https://files.example/x")
    mixed = settings.model_copy(update={"sources": {NAME: overrides}})
    with pytest.raises(SettingsError, match=r"is the live host files\.example"):
        files_client_for(source, mixed)


def test_candles_that_a_source_does_not_have_are_said_at_the_start(
    settings: Settings, clock: FixedClock
) -> None:
    overrides = {NAME: SourceOverrides(intervals=("1m",))}
    wanting = settings.model_copy(update={"sources": overrides})
    with pytest.raises(SettingsError, match=r"kraken lands no candles of 1m; .* it has none"):
        begin_extraction(daily_source(), wanting, clock, "run", frozenset())
    able = replace(daily_source(), intervals=frozenset({"1m"}))
    assert begin_extraction(able, wanting, clock, "run", frozenset()).intervals == ("1m",)


def test_what_was_landed_before_is_remembered(
    settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pl.DataFrame] = []
    source = daily_source()

    def extract(run: Extraction, window: Window) -> Iterator[Item]:
        assert run.remembered is not None
        seen.append(run.remembered(DAILY))
        yield from source.extract(run, window)

    for name, value in use(replace(source, extract=extract)).items():
        monkeypatch.setattr(name, value)
    for _ in range(3):
        landing.land(NAME, Window.of_day(date(2025, 11, 10)), settings, clock, "run")
        write_catalog(settings)
    assert [frame.height for frame in seen] == [0, 4, 8]
    assert seen[0].schema == seen[2].schema
    assert seen[2]["price"].to_list() == [Decimal("1.5")] * 8


def test_contracts_of_a_curation_folder_are_known_too(tmp_path: Path, settings: Settings) -> None:
    pl.DataFrame(
        {
            "venue": ["okx", "okx", "bybit"],
            "base_code": ["NEW", "UNMAPPED", "OTHER"],
            "base_asset_id": ["new-coin", None, "other-coin"],
            "quote_code": ["USDT"] * 3,
            "quote_asset_id": ["tether"] * 3,
        }
    ).write_parquet(tmp_path / "perpetuals.parquet")
    with_folder = settings.model_copy(update={"curation_dir": tmp_path})
    added = universe.codes(with_folder, "okx") - universe.codes(settings, "okx")
    assert added | {"USDT"} == {"NEW", "USDT"}
