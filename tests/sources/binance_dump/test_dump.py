"""data.binance.vision, against doubles of the dump's host and of the pages."""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.windows import Window
from pipelines.http.client import SourceUnavailable
from pipelines.sources.binance import SOURCE, parse
from tests.sources.binance_dump.dump_double import HEADER, Market, checksum_of, run_of, zipped
from tests.sources.double import at, days, landed, log_of

NOW = at("2025-03-10T06:00")
JANUARY = days("2025-01-01", "2025-01-31")
MS_ROW = (
    "1577836800000,7195.24000000,7255.00000000,7175.15000000,7200.85000000,16792.38816500,"
    "1577923199999,121214452.11606228,194010,8946.95553500,64597785.21233434,0"
)
# a real row of 2025
US_ROW = (
    "1735689600000000,93576.00000000,93610.93000000,93537.50000000,93610.93000000,8.21827000,"
    "1735689659999999,768978.75522470,2631,3.95157000,369757.32652890,0"
)


def market(first: str = "2024-11-01") -> Market:
    return Market(first, NOW)


def read(body: bytes, name: str, period: Window = JANUARY, interval: str = "1m"):  # type: ignore[no-untyped-def]
    lines = [line for chunk in parse.lines(body, name) for line in chunk]
    return parse.kline_lines(lines, "BTCUSDT", interval, period)


def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["open_time"])


# --- the file ---------------------------------------------------------------------------------


def test_a_row_of_microseconds_is_a_row_of_milliseconds() -> None:
    body = zipped("BTCUSDT-1m-2025-01.csv", US_ROW + "\n")
    (row,) = read(body, "BTCUSDT-1m-2025-01.zip").rows.to_pylist()
    assert row["open_time"] == at("2025-01-01")
    assert row["close_time"] == at("2025-01-01T00:00:59.999"), "as the API says it"
    assert (row["close"], row["trade_count"]) == (Decimal("93610.93"), 2631)


def test_the_unit_is_reported_row_by_row() -> None:
    body = zipped("BTCUSDT-1d-x.csv", f"{MS_ROW}\n{US_ROW}\n")
    period = days("2020-01-01", "2025-12-31")
    rows = read(body, "BTCUSDT-1d-x.zip", period).rows.to_pylist()
    assert [row["open_time"] for row in rows] == [at("2020-01-01"), at("2025-01-01")]


@pytest.mark.parametrize("header", ["", HEADER + "\n", "\ufeff" + HEADER + "\r\n", "\ufeff"])
def test_a_header_is_reported_by_its_first_cell(header: str) -> None:
    body = zipped("BTCUSDT-1m-2025-01.csv", f"{header}{US_ROW}\r\n")
    parsed = read(body, "BTCUSDT-1m-2025-01.zip")
    assert (parsed.row_count, parsed.refused) == (1, ())


def test_recorded_months_are_read_with_their_header(shared_data) -> None:  # type: ignore[no-untyped-def]
    folder = shared_data / "binance_vision_btcusdt_1h_2023"
    for month, count in (("2023-01", 744), ("2023-02", 672)):
        stem = f"BTCUSDT-1h-{month}"
        body = zipped(f"{stem}.csv", (folder / f"{stem}.csv").read_text())
        start = datetime.fromisoformat(f"{month}-01").date()
        period = Window(start, (start + timedelta(days=32)).replace(day=1))
        parsed = read(body, f"{stem}.zip", period, "1h")
        assert (parsed.row_count, parsed.refused) == (count, ())
    assert parsed.rows["close"][0].as_py() == Decimal("23085.73")


def test_a_cut_line_a_wrong_cell_and_another_period_are_refused() -> None:
    other = US_ROW.replace("1735689600000000", "1738368000000000")
    text = "\n".join([US_ROW, US_ROW.replace("93537.5", "-93537.5"), other, US_ROW[:40]])
    parsed = read(zipped("BTCUSDT-1m-2025-01.csv", text), "BTCUSDT-1m-2025-01.zip")
    assert parsed.row_count == 1
    assert [reason for reason, _ in parsed.refused] == [
        "low: not above 0: -93537.50000000",
        "low: missing",
        "open_time: not in the file's period: 2025-02-01 00:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "zip: "),
        (b"<?xml version='1.0'?>", "zip: File is not a zip file"),
        (zipped("other.csv", US_ROW), r"zip: expected BTCUSDT-1m-2025-01.csv alone"),
        (zipped("BTCUSDT-1m-2025-01.csv", US_ROW)[:-30], "zip: "),
    ],
)
def test_a_damaged_file_is_reported(body: bytes, reason: str) -> None:
    with pytest.raises(parse.BrokenFile, match=reason):
        list(parse.lines(body, "BTCUSDT-1m-2025-01.zip"))


@pytest.mark.parametrize(
    "line",
    [b"", b"abc", b"0" * 64, b"0" * 64 + b"  other.zip", b"\xff" * 64 + b"  a.zip", b"<html>"],
)
def test_a_checksum_that_is_none_is_reported(line: bytes) -> None:
    with pytest.raises(parse.BrokenFile, match=r"checksum: not a line for a\.zip"):
        parse.checksum(line, "a.zip")


def test_a_checksum_is_a_line_of_sha256sum() -> None:
    for line in (f"{'a' * 64}  a.zip\n", f"{'a' * 64} *a.zip"):
        assert parse.checksum(line.encode(), "a.zip") == "a" * 64


_SOUND = zipped("BTCUSDT-1m-2025-01.csv", "".join(f"{US_ROW}\n" for _ in range(40)))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_SOUND) - 1), st.integers(0, 255)), max_size=4),
    st.integers(0, len(_SOUND)),
)
def test_damaged_bytes_give_the_rows_or_a_typed_error(
    changes: list[tuple[int, int]], length: int
) -> None:
    body = bytearray(_SOUND)
    for place, value in changes:
        body[place] = value
    cut = bytes(body[: length or None])
    try:
        parsed = read(cut, "BTCUSDT-1m-2025-01.zip")
    except parse.BrokenFile:
        return
    assert parsed.row_count == 40, "rows of a file whose CRC holds are all there"


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=30) | st.just(US_ROW) | st.just(MS_ROW), max_size=6))
def test_any_lines_are_rows_or_refused(lines: list[str]) -> None:
    body = zipped("BTCUSDT-1m-2025-01.csv", "\n".join([US_ROW, *lines]))
    parsed = read(body, "BTCUSDT-1m-2025-01.zip")
    assert parsed.row_count == 1 + lines.count(US_ROW)
    for reason, payload in parsed.refused:
        assert reason
        assert payload


# --- the extraction ---------------------------------------------------------------------------


def test_by_file_and_by_page_the_rows_are_the_same() -> None:
    window = days("2024-11-20", "2025-03-09")
    by_file = landed(SOURCE, files := run_of(market()), window)["klines_intraday"]
    by_page = landed(SOURCE, run_of(market(), bulk="never"), window)["klines_intraday"]
    inside = [row for row in by_file if row["open_time"] >= window.start_at]
    assert sorted_rows(inside) == sorted_rows(by_page)
    # a file is landed whole, though its month began before the window
    assert min(row["open_time"] for row in by_file) == at("2024-11-01")
    assert [name for name in files.files.names if "1h" in name and "CHECKSUM" not in name] == [
        "BTCUSDT-1h-2024-11.zip",
        "BTCUSDT-1h-2024-12.zip",
        "BTCUSDT-1h-2025-01.zip",
        "BTCUSDT-1h-2025-02.zip",
        *(f"BTCUSDT-1h-2025-03-0{day}.zip" for day in range(1, 9)),
    ]
    assert log_of(files, "klines_intraday")["BTCUSDT 1h"]["status"] == "ok"


def test_daily_candles_may_come_by_file_too() -> None:
    window = days("2024-11-01", "2025-02-28")
    by_file = landed(SOURCE, run_of(market(), intervals=()), window)["klines"]
    by_page = landed(SOURCE, run_of(market(), intervals=(), bulk="never"), window)["klines"]
    assert sorted_rows(by_file) == sorted_rows(by_page)


def test_every_file_that_was_read_is_listed() -> None:
    rows = landed(SOURCE, run_of(market(), intervals=("1h",)), JANUARY)["dump_files"]
    (hourly,) = [row for row in rows if row["interval"] == "1h"]
    body = zipped("BTCUSDT-1h-2025-01.csv", market().csv(at("2025-01-01"), at("2025-02-01"), "1h"))
    assert hourly == {
        "file_name": "BTCUSDT-1h-2025-01.zip",
        "symbol": "BTCUSDT",
        "interval": "1h",
        "period": "2025-01",
        "sha256": hashlib.sha256(body).hexdigest(),
        "declared_sha256": hashlib.sha256(body).hexdigest(),
        "replaces_sha256": None,
        "status": "read",
        "byte_count": len(body),
        "row_count": 744,
        "fetched_at": NOW,
    }


def test_what_is_planned_is_what_is_sent() -> None:
    run = run_of(market(), intervals=("15m",), bulk="auto")
    landed(SOURCE, run, days("2025-01-01", "2025-02-28"))
    # list, daily page; first candle; two files and their checksums
    assert len(run.client.asked) == 1 + 1 + 1
    assert run.files.names == [
        "BTCUSDT-15m-2025-01.zip.CHECKSUM", "BTCUSDT-15m-2025-01.zip",
        "BTCUSDT-15m-2025-02.zip.CHECKSUM", "BTCUSDT-15m-2025-02.zip",
    ]  # fmt: skip
    assert log_of(run, "klines_intraday")["BTCUSDT 15m"]["request_count"] == 5
    assert log_of(run, "klines_intraday")["BTCUSDT 15m"]["rows_landed"] == 59 * 96


def test_no_file_of_before_the_listing_is_asked_for() -> None:
    run = run_of(market("2025-01-17"))
    landed(SOURCE, run, days("2020-01-01", "2025-02-28"))
    months = {name[11:18] for name in run.files.names if "1h" in name}
    assert months == {"2025-01", "2025-02"}
    assert log_of(run, "klines_intraday")["BTCUSDT 1h"]["status"] == "ok"


def test_a_pair_without_candles_in_the_window_takes_one_request() -> None:
    run = run_of(market("2025-03-01"), intervals=())
    landed(SOURCE, run, days("2020-01-01", "2025-02-28"))
    assert (len(run.client.asked), run.files.asked) == (2, [])


def broken(name: str, body: bytes) -> bytes | None:
    return body[:-1] + b"x" if name == "BTCUSDT-1h-2025-01.zip" else body


def test_a_file_that_is_not_the_declared_one_is_quarantined_and_asked_by_page() -> None:
    exchange = market()
    exchange.change = broken
    run = run_of(exchange)
    tables = landed(SOURCE, run, days("2025-01-01", "2025-02-28"))
    assert len({row["open_time"] for row in tables["klines_intraday"]}) == 59 * 24
    (refused,) = tables["quarantine"]
    assert refused["reason"] == "checksum: the file is not the one that was declared"
    assert '"file": "BTCUSDT-1h-2025-01.zip"' in refused["payload"]
    status = {row["file_name"]: row["status"] for row in tables["dump_files"]}
    assert status["BTCUSDT-1h-2025-01.zip"] == "checksum_mismatch"
    assert status["BTCUSDT-1h-2025-02.zip"] == "read"
    assert log_of(run, "klines_intraday")["BTCUSDT 1h"]["status"] == "partial"
    assert run.failures == []


def test_a_damaged_zip_with_its_own_checksum_is_quarantined_and_asked_by_page() -> None:
    exchange = market()
    exchange.change = lambda _name, body: body[:200]
    exchange.change_checksum = lambda name, _line: checksum_of(
        exchange.file(f"data/spot/monthly/klines/BTCUSDT/{name.split('-')[1]}/{name}") or b"", name
    )
    run = run_of(exchange)
    tables = landed(SOURCE, run, JANUARY)
    assert len({row["open_time"] for row in tables["klines_intraday"]}) == 744
    assert {row["status"] for row in tables["dump_files"]} == {"corrupt"}
    assert all(row["reason"].startswith("zip: ") for row in tables["quarantine"])


def test_a_file_without_a_checksum_is_read_and_says_so() -> None:
    exchange = market()
    exchange.change_checksum = lambda _name, _line: None
    tables = landed(SOURCE, run_of(exchange), JANUARY)
    assert len(tables["klines_intraday"]) == 744
    assert {row["status"] for row in tables["dump_files"]} == {"unverified"}


def test_a_file_that_is_not_there_is_asked_by_page() -> None:
    exchange = market()
    exchange.change = lambda name, body: None if "2025-01" in name else body
    exchange.change_checksum = lambda name, line: None if "2025-01" in name else line
    run = run_of(exchange)
    tables = landed(SOURCE, run, days("2024-12-01", "2025-02-28"))
    assert len({row["open_time"] for row in tables["klines_intraday"]}) == 90 * 24
    assert "quarantine" not in tables
    assert log_of(run, "klines_intraday")["BTCUSDT 1h"]["status"] == "ok"


def test_a_file_that_is_short_proves_no_deletion() -> None:
    exchange = market()
    whole = exchange.csv
    exchange.csv = lambda *period: "".join(whole(*period).splitlines(keepends=True)[:-5])
    run = run_of(exchange)
    tables = landed(SOURCE, run, JANUARY)
    assert len(tables["klines_intraday"]) == 739
    entry = log_of(run, "klines_intraday")["BTCUSDT 1h"]
    assert (entry["status"], entry["error"]) == (
        "partial",
        "BTCUSDT-1h-2025-01.zip has 739 of 744 candles",
    )


def test_a_file_that_was_read_before_is_not_downloaded_again() -> None:
    before = landed(SOURCE, run_of(market()), JANUARY)["dump_files"]
    run = run_of(market(), remembered=before)
    tables = landed(SOURCE, run, JANUARY)
    assert "klines_intraday" not in tables
    assert "dump_files" not in tables
    assert all(name.endswith(".CHECKSUM") for name in run.files.names)
    entry = log_of(run, "klines_intraday")["BTCUSDT 1h"]
    assert (entry["status"], entry["error"]) == (
        "partial",
        "BTCUSDT-1h-2025-01.zip is as it was read before",
    )


def test_a_file_that_is_published_again_is_read_again() -> None:
    before = landed(SOURCE, run_of(market()), JANUARY)["dump_files"]
    exchange = market()
    plain = exchange.row

    def restated(open_ms: int, interval: str) -> list[Any]:
        row = plain(open_ms, interval)
        return [*row[:5], "13.75000000", *row[6:]]

    exchange.row = restated
    tables = landed(SOURCE, run_of(exchange, remembered=before), JANUARY)
    assert {row["volume_base"] for row in tables["klines_intraday"]} == {Decimal("13.75")}
    now = {row["file_name"]: row for row in tables["dump_files"]}
    for old in before:
        assert now[old["file_name"]]["replaces_sha256"] == old["sha256"]


def test_what_could_not_be_read_is_not_remembered() -> None:
    exchange = market()
    exchange.change = broken
    before = landed(SOURCE, run_of(exchange), JANUARY)["dump_files"]
    tables = landed(SOURCE, run_of(market(), remembered=before), JANUARY)
    assert len(tables["klines_intraday"]) == 744


def test_a_dump_that_cannot_be_reached_does_not_cost_the_daily_candles() -> None:
    exchange = market()
    exchange.symbols = ["BTCUSDT", "ETHUSDT"]

    def away(_path: str) -> bytes | None:
        raise SourceUnavailable("binance_files: no answer")

    exchange.file = away
    run = run_of(exchange, intervals=("1m",), bulk="auto")
    tables = landed(SOURCE, run, JANUARY)
    assert {row["symbol"] for row in tables["klines"]} == {"BTCUSDT", "ETHUSDT"}
    assert run.failures == ["binance_files: no answer"]
    assert log_of(run, "klines_intraday")["ETHUSDT 1m"]["status"] == "skipped"
