"""Bybit, on recorded bodies and against a double that pages as Bybit does."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from pipelines.core.payload import PayloadError
from pipelines.sources.bybit import SOURCE, parse
from tests.sources.double import at, days, landed, log_of, ms, recorded, run_of

NOW = at("2026-03-01T06:00")
LATEST = at("2026-03-02")
WIRE = "exchange_wire_samples_nautilus"
DAY_MS = 86_400_000


def pair(base: str, quote: str = "USDT") -> dict[str, Any]:
    return {"symbol": f"{base}{quote}", "baseCoin": base, "quoteCoin": quote, "status": "Trading"}


def contract(base: str, kind: str = "LinearPerpetual", settle: str = "USDT") -> dict[str, Any]:
    return {
        "symbol": f"{base}{settle}", "contractType": kind, "status": "Trading", "baseCoin": base,
        "quoteCoin": settle, "settleCoin": settle, "launchTime": "1585526400000",
        "fundingInterval": 480,
    }  # fmt: skip


def ok(**result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": ms(NOW)}


class Exchange:
    """Newest first; ranges inclusive; start floored to its bucket; open interest by cursor."""

    def __init__(self, first: str) -> None:
        self.first = at(first)
        self.hours = 8
        self.repeats = 0
        self.lists = {"spot": [pair("BTC")], "linear": [contract("BTC")]}
        self.instruments_page = 1000

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        return getattr(self, path.removeprefix("v5/market/").replace("-", "_").replace("/", "_"))(
            params
        )

    def instruments_info(self, params: dict[str, Any]) -> Any:
        listed = self.lists[params["category"]]
        start = int(params.get("cursor", 0))
        page = listed[start : start + self.instruments_page]
        more = start + self.instruments_page < len(listed)
        cursor = str(start + self.instruments_page) if more else ""
        return ok(category=params["category"], list=page, nextPageCursor=cursor)

    def _times(self, start: int, end: int, hours: int) -> list[int]:
        step, first = hours * 3_600_000, ms(self.first)
        lowest = max(start // step * step, first)
        return list(range(lowest, min(end, ms(NOW)) + 1, step))[::-1]

    def kline(self, params: dict[str, Any]) -> Any:
        assert params["category"] == "spot", "Bybit's default is linear"
        times = self._times(params["start"], params["end"], 24)
        rows = [[str(time), "10", "12", "9", "11", "5.5", "60.5"] for time in times]
        rows = rows[: params["limit"]] + rows[: self.repeats]
        return ok(category="spot", symbol=params["symbol"], list=rows)

    def funding_history(self, params: dict[str, Any]) -> Any:
        assert "endTime" in params, "startTime alone is an error"
        assert params["limit"] <= 200
        rows = [
            {"symbol": params["symbol"], "fundingRate": "0.0001", "fundingRateTimestamp": str(time)}
            for time in self._times(params["startTime"], params["endTime"], self.hours)
            if time >= params["startTime"]
        ]
        return ok(category="linear", list=rows[: params["limit"]])

    def open_interest(self, params: dict[str, Any]) -> Any:
        assert "endTime" in params, "without it startTime is ignored"
        start = int(params.get("cursor", 0))
        rows = [
            {"openInterest": "200.5", "singleOpenInterest": "100.25", "timestamp": str(time)}
            for time in self._times(params["startTime"], params["endTime"], 24)
        ]
        page, more = rows[start : start + params["limit"]], start + params["limit"] < len(rows)
        cursor = str(start + params["limit"]) if more else ""
        return ok(category="linear", symbol=params["symbol"], list=page, nextPageCursor=cursor)


def test_recorded_kline_is_typed(shared_data):
    body = recorded(shared_data / WIRE / "bybit__http_get_klines_linear.json")
    rows = parse.result(body, "linear", symbol="BTCUSDT")
    ((why, _),) = parse.kline(rows, "BTCUSDT", "1", LATEST).refused
    assert why.startswith("open_time: off the grid of 60 s"), "its author made up the time"
    rows[0][0] = str(int(at("2024-03-08T09:54").timestamp() * 1000))
    (row,) = parse.kline(rows, "BTCUSDT", "1", LATEST).rows.to_pylist()
    assert (row["open"], row["high"], row["low"], row["close"]) == (27450, 27460, 27440, 27455)
    assert (row["volume_base"], row["volume_quote"]) == (Decimal("123.45"), 3390000)


def test_recorded_funding_is_typed(shared_data):
    body = recorded(shared_data / WIRE / "bybit__http_get_funding_history.json")
    first, second = parse.funding_history(parse.result(body, "linear"), LATEST).rows.to_pylist()
    assert first["funding_rate"] == Decimal("0.0001")
    assert first["funding_time"] - second["funding_time"] == timedelta(hours=8)


def test_recorded_instruments_are_typed(shared_data):
    linear = recorded(shared_data / WIRE / "bybit__http_get_instruments_linear.json")
    spot = recorded(shared_data / WIRE / "bybit__http_get_instruments_spot.json")
    contracts = parse.instruments_info(parse.result(linear, "linear"), "linear")
    pairs = parse.instruments_info(parse.result(spot, "spot"), "spot")
    assert (contracts.refused, pairs.refused) == ((), ())
    assert contracts.rows.to_pylist()[0]["contract_type"] == "LinearPerpetual"
    assert pairs.rows.to_pylist()[0]["contract_type"] is None
    assert parse.next_cursor(linear) is None, "null on the last page"
    assert parse.next_cursor(spot) is None, "empty on the last page"


def test_candles_are_asked_for_in_ranges_that_fit_a_page():
    run = run_of(Exchange("2019-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2020-01-01", "2026-02-28"))["kline"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 2251
    asked = run.client.paths("kline")
    assert [params["limit"] for params in asked] == [1000, 1000, 251]
    for params in asked:
        assert (params["end"] - params["start"]) // DAY_MS + 1 == params["limit"]
    assert log_of(run, "kline")["BTCUSDT"]["status"] == "ok"


def test_rows_outside_the_window_and_repeated_rows_are_left_out():
    exchange = Exchange("2019-01-01")
    exchange.repeats = 2
    answer = exchange.kline

    def generous(params: dict[str, Any]) -> Any:
        return answer({**params, "start": params["start"] - 5 * DAY_MS, "limit": 1000})

    exchange.kline = generous
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-27", "2026-02-28"))["kline"]
    assert [row["open_time"] for row in rows] == [at("2026-02-28"), at("2026-02-27")]


@pytest.mark.parametrize(("hours", "requests"), [(8, 28), (1, 219)])
def test_funding_goes_backwards_page_by_page(hours, requests):
    exchange = Exchange("2019-01-01")
    exchange.hours = hours
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2021-03-01", "2026-02-28"))["funding_history"]
    times = {row["funding_time"] for row in rows}
    assert len(times) == len(rows) == 1826 * 24 // hours
    assert len(run.client.paths("funding")) in (requests, requests + 1)
    assert log_of(run, "funding_history")["BTCUSDT"]["status"] == "ok"


def test_an_interval_that_changes_during_a_day_shows_in_the_settlements():
    exchange = Exchange("2019-01-01")
    change = at("2026-02-27T12:00")

    def settlements(start: int, end: int, _hours: int) -> list[int]:
        before = range(ms(at("2026-02-01")), ms(change), 8 * 3_600_000)
        after = range(ms(change), ms(NOW), 4 * 3_600_000)
        return [time for time in (*before, *after) if start <= time <= end][::-1]

    exchange._times = settlements
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-27", "2026-02-28"))["funding_history"]
    times = sorted(row["funding_time"] for row in rows)
    hours = [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(times)]
    assert hours == [8, *[4] * 9]


def test_open_interest_follows_the_cursor_and_has_the_end_of_the_last_day():
    run = run_of(Exchange("2019-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2024-12-01", "2026-02-28"))["open_interest"]
    times = {row["time"] for row in rows}
    assert len(rows) == len(times) == 456
    assert (min(times), max(times)) == (at("2024-12-01"), at("2026-03-01"))
    assert len(run.client.paths("open-interest")) == 3
    assert rows[0]["open_interest"] == 2 * rows[0]["single_open_interest"]
    entry = log_of(run, "open_interest")["BTCUSDT"]
    assert (entry["status"], entry["window_end"]) == ("ok", at("2026-03-02"))


def test_open_interest_without_one_side_is_landed():
    rows = [{"openInterest": "461134384.00000000", "timestamp": "1669571400000"}]
    (row,) = parse.open_interest(rows, "BTCUSDT", "5min", LATEST).rows.to_pylist()
    assert row["single_open_interest"] is None


def test_a_cursor_that_comes_again_ends_in_an_error():
    exchange = Exchange("2019-01-01")
    exchange.open_interest = lambda params: ok(
        category="linear", symbol="BTCUSDT", list=[], nextPageCursor="same"
    )
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-27", "2026-02-28"))
    assert "read already" in run.failures[0]
    assert len(run.client.paths("open-interest")) == 2


def test_the_list_of_contracts_is_read_page_by_page():
    exchange = Exchange("2019-01-01")
    exchange.instruments_page = 2
    exchange.lists["linear"] = [contract(base) for base in ("AAA", "BBB", "CCC", "DDD", "BTC")]
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert len(rows["instruments_info"]) == 6
    assert {row["symbol"] for row in rows["funding_history"]} == {"BTCUSDT"}


def test_only_usdt_settled_perpetuals_and_priced_quotes_are_asked_for():
    exchange = Exchange("2019-01-01")
    exchange.lists = {
        "spot": [pair("BTC"), pair("BTC", "EUR"), pair("BTC", "BRL"), pair("XYZ")],
        "linear": [contract("BTC", "LinearFutures"), contract("BTC", settle="USDC")],
    }
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["symbol"] for row in rows["kline"]} == {"BTCUSDT", "BTCEUR"}
    assert "funding_history" not in rows


def test_a_wrong_unit_of_time_is_an_empty_list_and_never_ok():
    exchange = Exchange("2019-01-01")
    exchange.kline = lambda params: ok(category="spot", symbol=params["symbol"], list=[])
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert log_of(run, "kline")["BTCUSDT"]["status"] == "partial"


def test_an_answer_for_another_category_is_an_error():
    exchange = Exchange("2019-01-01")
    exchange.kline = lambda params: ok(category="linear", symbol=params["symbol"], list=[])
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert 'asked for spot, got "linear"' in run.failures[0]


def test_errors_inside_200_are_seen_by_their_code_not_their_text():
    refused = {"retCode": 10001, "retMsg": "Not supported symbols", "result": {}}
    assert parse.error(refused) == "retCode 10001: Not supported symbols"
    for text in ("OK", "success", "SUCCESS", ""):
        assert parse.error({"retCode": 0, "retMsg": text, "result": {}}) is None
    for code in (10006, 10016):
        assert parse.is_busy({"retCode": code, "retMsg": "", "result": {}})
    for body in ([], {}, {"retCode": "0"}, {"retCode": True}, None):
        with pytest.raises(PayloadError):
            parse.error(body)


def test_a_refused_symbol_does_not_stop_the_others():
    exchange = Exchange("2019-01-01")
    exchange.lists = {"spot": [pair("AAA"), pair("BTC")], "linear": []}
    answer = exchange.kline
    exchange.kline = lambda params: (
        {"retCode": 10001, "retMsg": "Not supported symbols", "result": {}}
        if params["symbol"] == "AAAUSDT"
        else answer(params)
    )
    run = run_of(exchange, NOW, ["AAA", "BTC"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["symbol"] for row in rows["kline"]} == {"BTCUSDT"}
    assert (len(run.refusals), run.failures) == (1, [])


def test_too_many_visits_stop_the_source():
    exchange = Exchange("2019-01-01")
    exchange.lists = {"spot": [pair("AAA"), pair("BTC")], "linear": []}
    exchange.kline = lambda _params: {"retCode": 10006, "retMsg": "Too many visits!", "result": {}}
    run = run_of(exchange, NOW, ["AAA", "BTC"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert len(run.client.paths("kline")) == 1
    assert log_of(run, "kline")["BTCUSDT"]["status"] == "skipped"
