"""Binance spot, on recorded bodies and against a double that pages as it does."""

import csv
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused, SourceUnavailable
from pipelines.sources.binance import SOURCE, parse
from pipelines.sources.binance.settings import PAGE_ROWS
from tests.sources.double import Double, at, days, landed, log_of, ms, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome, says_nothing_new

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WIRE = "exchange_wire_samples_nautilus"
# a day whose answer is on record
NEW_YEAR = [
    1577836800000, "7195.24000000", "7255.00000000", "7175.15000000", "7200.85000000",
    "16792.38816500", 1577923199999, "121214452.11606228", 194010, "8946.95553500",
    "64597785.21233434", "0",
]  # fmt: skip


def pair(base: str, quote: str = "USDT", **changes: Any) -> dict[str, Any]:
    return {
        "symbol": f"{base}{quote}", "status": "TRADING", "baseAsset": base, "quoteAsset": quote,
        "isSpotTradingAllowed": True, "permissions": [], "permissionSets": [["SPOT"]],
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.01"}],
    } | changes  # fmt: skip


def candle(day: datetime) -> list[Any]:
    row = list(NEW_YEAR)
    row[0], row[6] = ms(day), ms(day) + 86_399_999
    row[4] = f"{7200 + day.toordinal() % 50}.12345678"
    return row


class Exchange:
    """Oldest first, both bounds on the open time and inclusive, one page at the most."""

    def __init__(self, first: str, now: datetime = NOW) -> None:
        self.first, self.now = at(first), now
        self.pairs = [pair("BTC")]
        self.missing: set[datetime] = set()
        self.replace: dict[datetime, list[Any]] = {}

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "api/v3/exchangeInfo":
            return {"timezone": "UTC", "symbols": self.pairs, "sors": []}
        assert path == "api/v3/klines"
        assert params["interval"] == "1d"
        assert 0 < params["limit"] <= 1000
        rows, day = [], self.first
        while day <= self.now and len(rows) < params["limit"]:
            if params["startTime"] <= ms(day) <= params["endTime"] and day not in self.missing:
                rows.append(self.replace.get(day, candle(day)))
            day += timedelta(days=1)
        return rows


def asked(run: Any) -> list[dict[str, Any]]:
    client: Double = run.client
    return client.paths("klines")


# --- recorded bodies ------------------------------------------------------------------------------


def test_the_documented_row() -> None:
    (row,) = parse.klines([NEW_YEAR], "BTCUSDT", "1d", LATEST).rows.to_pylist()
    assert row == {
        "symbol": "BTCUSDT",
        "interval": "1d",
        "open_time": at("2020-01-01"),
        "open": Decimal("7195.24"),
        "high": Decimal("7255"),
        "low": Decimal("7175.15"),
        "close": Decimal("7200.85"),
        "volume_base": Decimal("16792.388165"),
        "volume_quote": Decimal("121214452.11606228"),
        "trade_count": 194010,
        "taker_buy_base": Decimal("8946.955535"),
        "taker_buy_quote": Decimal("64597785.21233434"),
        "close_time": at("2020-01-01T23:59:59.999"),
    }


def test_recorded_klines(shared_data: Path) -> None:
    body = recorded(shared_data / WIRE / "binance__http_spot_market_klines.json")
    parsed = parse.klines(body, "BTCUSDT", "1m", LATEST)
    assert (parsed.row_count, parsed.refused) == (10, ())
    rows = parsed.rows.to_pylist()
    assert rows[0]["open_time"] == at("2021-10-22T23:03")
    assert rows[-1]["open"] == rows[-1]["close"] == Decimal("60739.85")
    assert rows[-1]["volume_quote"] == Decimal("2875.424499")
    weekly = recorded(shared_data / WIRE / "binance__spot__http_json__klines_response.json")
    (row,) = parse.klines(weekly, "XYZ", "1w", LATEST).rows.to_pylist()
    assert (row["high"], row["trade_count"]) == (Decimal("0.8"), 308)


def test_recorded_daily_history(shared_data: Path) -> None:
    with (shared_data / "binance_daily_klines_yodumini" / "BTCUSDT.csv").open() as file:
        lines = list(csv.reader(file))[1:]
    body = [[int(line[0]), *line[1:6], int(line[6]), line[7], int(line[8]), *line[9:12]]
            for line in lines]  # fmt: skip
    parsed = parse.klines(body, "BTCUSDT", "1d", LATEST)
    assert (parsed.row_count, parsed.refused) == (len(lines), ())
    by_day = {row["open_time"]: row for row in parsed.rows.to_pylist()}
    assert len(by_day) == len(lines)
    assert by_day[at("2021-01-02")]["volume_base"] == Decimal("129993.87336199998")
    assert by_day[at("2021-01-02")]["volume_quote"] == Decimal("4073842163.6715407")
    assert by_day[at("2021-01-02")]["close"] == Decimal("32178.33")
    total = sum(Decimal(line[5]) for line in lines)
    assert sum(row["volume_base"] for row in by_day.values()) == total, "no digit may be lost"


def test_recorded_history_agrees_between_two_recorders(shared_data: Path) -> None:
    path = shared_data / "binance_daily_kline_arrays_petar" / "binance_crypto_data.json"
    series = json.loads(path.read_text())["BTC"]
    body = [[ms(at(day)), *row[:5], row[5], *row[6:11]] for day, row in series.items()]
    parsed = parse.klines(body, "BTCUSDT", "1d", LATEST)
    assert (parsed.row_count, parsed.refused) == (len(series), ())
    by_day = {row["open_time"]: row for row in parsed.rows.to_pylist()}
    assert (
        by_day[at("2020-01-01")]
        == (parse.klines([NEW_YEAR], "BTCUSDT", "1d", LATEST).rows.to_pylist()[0])
    )


def test_arrays_without_their_open_time_are_refused(shared_data: Path) -> None:
    path = shared_data / "binance_daily_kline_arrays_petar" / "binance_crypto_data.json"
    body = list(json.loads(path.read_text())["BTC"].values())
    parsed = parse.klines(body, "BTCUSDT", "1d", LATEST)
    assert parsed.row_count == 0, "a shifted array must not pass for a candle"
    assert len(parsed.refused) == len(body)


def test_recorded_hours(shared_data: Path) -> None:
    folder = shared_data / "binance_vision_btcusdt_1h_2023"
    with (folder / "BTCUSDT-1h-2023-01.csv").open() as file:
        lines = list(csv.reader(file))[1:]
    body = [[int(line[0]), *line[1:6], int(line[6]), line[7], int(line[8]), *line[9:]]
            for line in lines]  # fmt: skip
    parsed = parse.klines(body, "BTCUSDT", "1h", LATEST)
    assert (parsed.row_count, parsed.refused) == (31 * 24, ())
    assert parsed.rows["taker_buy_quote"][0].as_py() == Decimal("36032352.8703572")


def exchange_info(shared_data: Path) -> Any:
    text = (shared_data / "exchange_metadata_cryptofeed" / "BINANCE.0.txt").read_text()
    return json.loads(text.splitlines()[0].partition(": ")[2])


def test_recorded_exchange_info(shared_data: Path) -> None:
    body = exchange_info(shared_data)
    parsed = parse.exchange_info(body)
    assert parsed.refused == ()
    assert parsed.row_count == len(body["symbols"]) > 1000
    rows = {row["symbol"]: row for row in parsed.rows.to_pylist()}
    assert len(rows) == parsed.row_count
    assert rows["ETHBTC"] == {
        "symbol": "ETHBTC",
        "status": "TRADING",
        "base_asset": "ETH",
        "quote_asset": "BTC",
        "is_spot_trading_allowed": True,
    }
    assert {row["status"] for row in rows.values()} == {"TRADING", "BREAK"}
    assert rows["VENBTC"]["status"] == "BREAK", "delisted pairs stay in the list"


def test_recorded_exchange_info_of_two_pairs(shared_data: Path) -> None:
    body = recorded(shared_data / WIRE / "binance__http_spot_market_exchange_info.json")
    assert parse.exchange_info(body).rows["symbol"].to_pylist() == ["BTCUSDT", "ETHUSDT"]


# --- statements of the wire format ----------------------------------------------------------------


def test_times_are_milliseconds_and_others_are_refused() -> None:
    for scale, reason in ((1 / 1000, "before 2009"), (1000, "in the future")):
        row = [int(NEW_YEAR[0] * scale), *NEW_YEAR[1:]]
        ((why, _),) = parse.klines([row], "BTCUSDT", "1d", LATEST).refused
        assert why.startswith(f"open_time: {reason}")


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        (1, "0.00000000", "open: not above 0"),
        (4, "-7200.85", "close: not above 0"),
        (4, None, "close: missing"),
        (4, ["7200.85"], "close: not a decimal"),
        (5, "-0.1", "volume_base: below 0"),
        (8, "many", "trade_count: not a integer"),
        (8, -1, "trade_count: below 0"),
        (6, None, "close_time: missing"),
    ],
)
def test_a_wrong_cell_costs_its_row_only(cell: int, value: Any, reason: str) -> None:
    bad = [*NEW_YEAR[:cell], value, *NEW_YEAR[cell + 1 :]]
    parsed = parse.klines([bad, candle(at("2020-01-02"))], "BTCUSDT", "1d", LATEST)
    assert parsed.rows["open_time"].to_pylist() == [at("2020-01-02")]
    ((why, payload),) = parsed.refused
    assert why.startswith(reason)
    assert json.loads(payload) == bad


def test_an_error_object_is_not_a_list() -> None:
    with pytest.raises(PayloadError, match=r'expected a list, got dict .*"Invalid symbol."'):
        parse.klines({"code": -1121, "msg": "Invalid symbol."}, "BTCUSDT", "1d", LATEST)


def test_no_candles_are_no_candles() -> None:
    assert parse.klines([], "BTCUSDT", "1d", LATEST).row_count == 0


def test_new_keys_are_ignored_and_a_new_status_is_landed_and_reported() -> None:
    body = {"symbols": [pair("BTC", brandNew={"x": 1}), pair("ETH", status="PRE_OPEN")], "new": 1}
    parsed = parse.exchange_info(body)
    assert parsed.rows["symbol"].to_pylist() == ["BTCUSDT", "ETHUSDT"]
    assert parsed.refused == ()
    assert parsed.shape.words["status"] == {"TRADING", "PRE_OPEN"}


@pytest.mark.parametrize(
    ("interval", "opened", "is_accepted"),
    [
        ("1d", "2018-02-08T00:00:00", True),
        ("1d", "2018-02-09T09:28:14.789", False),
        ("1d", "2024-01-01T16:00:00", False),
        ("1h", "2024-01-01T16:00:00", True),
        ("1h", "2024-01-01T16:30:00", False),
        ("1w", "2024-01-01T00:00:00", True),
        ("7q", "2024-01-01T00:00:00", False),
    ],
)
def test_a_candle_begins_on_the_grid_of_its_interval(
    interval: str, opened: str, is_accepted: bool
) -> None:
    row = [round(at(opened).timestamp() * 1000), "8000", "8500", "7900", "8100", "10",
           1_718_220_799_999, "81000", 5, "1", "1", "0"]  # fmt: skip
    parsed = parse.klines([row], "BTCUSDT", interval, LATEST)
    assert bool(parsed.row_count) is is_accepted, parsed.refused
    assert parsed.row_count + len(parsed.refused) == 1


@pytest.mark.parametrize("body", [[], None, {}, {"symbols": None}, {"symbols": {}}, "busy"])
def test_a_list_of_pairs_that_is_none_is_an_error(body: Any) -> None:
    with pytest.raises(PayloadError, match="exchangeInfo"):
        parse.exchange_info(body)


def test_an_empty_list_of_pairs_is_not_the_end_of_trading() -> None:
    with pytest.raises(PayloadError, match="the list is empty"):
        parse.exchange_info({"symbols": []})


# --- requests -------------------------------------------------------------------------------------


def test_one_day_is_one_request_with_inclusive_bounds() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2024-03-08", "2024-03-09"))["klines"]
    assert [row["open_time"] for row in rows] == [at("2024-03-08"), at("2024-03-09")]
    assert asked(run) == [
        {
            "symbol": "BTCUSDT",
            "interval": "1d",
            "startTime": ms(at("2024-03-08")),
            "endTime": ms(at("2024-03-10")) - 1,
            "limit": 1000,
        }
    ]
    assert log_of(run, "klines")["BTCUSDT"]["status"] == "ok"


def test_the_open_candle_is_never_landed() -> None:
    run = run_of(Exchange("2024-03-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2024-03-08", "2024-03-12"))["klines"]
    assert max(row["open_time"] for row in rows) == at("2024-03-09")
    assert max(row["close_time"] for row in rows) < NOW


def test_more_than_a_page_goes_on_after_the_last_open_time() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2020-01-01", "2023-12-31"))["klines"]
    assert len({row["open_time"] for row in rows}) == len(rows) == 1461
    starts = [params["startTime"] for params in asked(run)]
    assert starts == [
        ms(at("2020-01-01")),
        ms(at("2020-01-01")) + (PAGE_ROWS - 1) * 86_400_000 + 1,
    ]
    assert log_of(run, "klines")["BTCUSDT"] | {"duration_s": 0} == {
        **log_of(run, "klines")["BTCUSDT"],
        "duration_s": 0,
        "status": "ok",
        "request_count": 2,
        "rows_landed": 1461,
    }


def test_a_page_that_is_exactly_full_is_followed_by_an_empty_one() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"BTC"})
    window = days("2020-01-01", "2022-09-26")
    assert window.day_count == PAGE_ROWS
    rows = landed(SOURCE, run, window)["klines"]
    assert len(rows) == PAGE_ROWS
    assert log_of(run, "klines")["BTCUSDT"]["status"] == "ok"


def test_a_refused_row_counts_towards_a_full_page() -> None:
    exchange = Exchange("2020-01-01")
    exchange.replace[at("2020-06-01")] = [ms(at("2020-06-01")), *["-1"] * 11]
    run = run_of(exchange, NOW, {"BTC"})
    tables = landed(SOURCE, run, days("2020-01-01", "2023-12-31"))
    assert len(tables["klines"]) == 1460, "the page after the one with the bad row must be read"
    (bad,) = tables["quarantine"]
    assert (bad["entity_id"], bad["reason"]) == ("BTCUSDT", "open: not above 0: -1")
    assert log_of(run, "klines")["BTCUSDT"]["status"] == "partial"


def test_a_history_that_begins_later_is_not_an_error() -> None:
    run = run_of(Exchange("2024-03-05"), NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2020-01-01", "2024-03-09"))["klines"]
    assert rows[0]["open_time"] == at("2024-03-05")
    assert log_of(run, "klines")["BTCUSDT"]["status"] == "ok"


def test_bars_missing_in_an_outage_stay_missing() -> None:
    exchange = Exchange("2024-01-01")
    exchange.missing = {at("2024-02-01"), at("2024-02-02")}
    run = run_of(exchange, NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2024-01-31", "2024-02-04"))["klines"]
    assert [row["open_time"].day for row in rows] == [31, 3, 4]


def test_a_pair_that_stopped_is_partial_and_proves_no_deletion() -> None:
    exchange = Exchange("2024-01-01")
    exchange.missing = {at("2024-03-09")}
    run = run_of(exchange, NOW, {"BTC"})
    landed(SOURCE, run, days("2024-03-01", "2024-03-09"))
    line = log_of(run, "klines")["BTCUSDT"]
    assert (line["status"], line["rows_landed"]) == ("partial", 8)


def test_a_page_sent_twice_is_an_error_and_not_a_loop() -> None:
    exchange = Exchange("2020-01-01")

    def stuck(path: str, params: dict[str, Any]) -> Any:
        return exchange(path, {**params, "startTime": ms(exchange.first)})

    run = run_of(stuck, NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2020-01-01", "2023-12-31"))["klines"]
    assert len(rows) == PAGE_ROWS, "what came is kept once"
    assert run.failures == [
        "klines BTCUSDT: a full page holds nothing after 2022-09-26 00:00:00.001000+00:00"
    ]
    assert len(asked(run)) == 2


def test_pages_newest_first_make_progress_too() -> None:
    exchange = Exchange("2020-01-01")

    def reversed_pages(path: str, params: dict[str, Any]) -> Any:
        answer = exchange(path, params)
        return answer[::-1] if isinstance(answer, list) else answer

    run = run_of(reversed_pages, NOW, {"BTC"})
    rows = landed(SOURCE, run, days("2020-01-01", "2023-12-31"))["klines"]
    assert len({row["open_time"] for row in rows}) == 1461
    assert len(asked(run)) == 2


def test_curated_currencies_against_known_quotes_are_asked_for() -> None:
    exchange = Exchange("2024-03-01")
    exchange.pairs = [
        pair("BTC"), pair("ETH", "BTC"), pair("ETH", "USDC"), pair("ETH", "TRY"), pair("JUNK"),
        pair("OLD", status="BREAK"),
    ]  # fmt: skip
    run = run_of(exchange, NOW, {"BTC", "ETH", "OLD"})
    tables = landed(SOURCE, run, days("2024-03-09", "2024-03-09"))
    assert len(tables["exchange_info"]) == 6, "the whole list is landed"
    symbols = [params["symbol"] for params in asked(run)]
    assert symbols == ["BTCUSDT", "ETHBTC", "ETHUSDC", "OLDUSDT"], "delisted pairs have a history"


def test_one_refused_symbol_leaves_the_others() -> None:
    exchange = Exchange("2024-03-01")
    exchange.pairs = [pair("AAA"), pair("BTC")]

    def refuse(path: str, params: dict[str, Any]) -> Any:
        if params.get("symbol") == "AAAUSDT":
            raise RequestRefused('HTTP 400: {"code":-1121,"msg":"Invalid symbol."}')
        return exchange(path, params)

    run = run_of(refuse, NOW, {"AAA", "BTC"})
    assert len(landed(SOURCE, run, days("2024-03-09", "2024-03-09"))["klines"]) == 1
    assert (run.failures, len(run.refusals)) == ([], 1)
    assert log_of(run, "klines")["AAAUSDT"]["status"] == "error"


def test_a_blocked_place_ends_the_run_with_its_own_words() -> None:
    def blocked(path: str, params: dict[str, Any]) -> Any:
        raise SourceUnavailable("HTTP 451: restricted location")

    run = run_of(blocked, NOW, {"BTC"})
    assert landed(SOURCE, run, days("2024-03-09", "2024-03-09")) == {}
    assert run.failures == ["HTTP 451: restricted location"]
    assert len(run.client.asked) == 1  # type: ignore[attr-defined]


def test_a_list_without_a_curated_pair_is_a_failure() -> None:
    run = run_of(Exchange("2024-03-01"), NOW, {"ETH"})
    assert list(landed(SOURCE, run, days("2024-03-09", "2024-03-09"))) == ["exchange_info"]
    assert run.failures == ["no curated pair in the list of pairs (1 codes known)"]


def test_an_html_list_is_the_failure_and_not_the_empty_universe() -> None:
    def html(path: str, params: dict[str, Any]) -> Any:
        raise PayloadError("answered HTML, not JSON")

    run = run_of(html, NOW, {"BTC"})
    landed(SOURCE, run, days("2024-03-09", "2024-03-09"))
    assert run.failures == ["exchange_info *: answered HTML, not JSON"]


# --- fuzz -----------------------------------------------------------------------------------------

BODY = [candle(at(f"2024-01-0{day}")) for day in range(1, 5)]
INFO = {"timezone": "UTC", "symbols": [pair("BTC"), pair("ETH", "BTC"), pair("OLD")]}
CELLS = {"open_time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume_base": 5,
         "volume_quote": 7, "trade_count": 8, "taker_buy_quote": 10}  # fmt: skip


@FUZZ
@given(damaged(BODY))
def test_damaged_klines(body: Any) -> None:
    parsed = outcome(lambda payload: parse.klines(payload, "BTCUSDT", "1d", LATEST), body)
    says_nothing_new(parsed, body, CELLS)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body)


@FUZZ
@given(damaged(INFO))
def test_damaged_exchange_info(body: Any) -> None:
    parsed = outcome(parse.exchange_info, body)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body["symbols"])


@FUZZ
@given(damaged(BODY))
def test_a_damaged_page_never_ends_in_an_exception(body: Any) -> None:
    exchange = Exchange("2024-01-01", now=at("2024-01-05T06:00"))

    def answer(path: str, params: dict[str, Any]) -> Any:
        return body if path == "api/v3/klines" else exchange(path, params)

    run = run_of(answer, exchange.now, {"BTC"})
    tables = landed(SOURCE, run, days("2024-01-01", "2024-01-04"))
    line = log_of(run, "klines")["BTCUSDT"]
    assert line["rows_landed"] == len(tables.get("klines", ()))
    assert line["rows_quarantined"] == len(tables.get("quarantine", ()))
    assert all(at("2024-01-01") <= row["open_time"] <= at("2024-01-04")
               for row in tables.get("klines", ()))  # fmt: skip
