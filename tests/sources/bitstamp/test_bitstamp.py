"""Bitstamp, on the recorded list of pairs and against a double of its paging."""

from decimal import Decimal
from typing import Any

import pytest

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.bitstamp import SOURCE, parse
from tests.sources.double import at, days, decoded, landed, log_of, run_of

NOW = at("2026-03-01T06:00")
LATEST = at("2026-03-02")
DAY_S = 86_400
# the documented shape
BODY = """{"data":{"pair":"BTC/USD","ohlc":[
  {"timestamp":"1577836800","open":"7160.69","high":"7237.73","low":"7150.00","close":"7177.02",
   "volume":"2270.19"}]}}"""


def market(base: str, counter: str = "USD", kind: str = "SPOT") -> dict[str, Any]:
    return {
        "name": f"{base}/{counter}", "market_symbol": f"{base}{counter}".lower(),
        "base_currency": base, "counter_currency": counter, "market_type": kind,
        "trading": "Enabled", "description": f"{base} / {counter}",
    }  # fmt: skip


class Exchange:
    """Oldest first from `start` on, `limit` rows; the open candle unless it is excluded."""

    def __init__(self, first: str) -> None:
        self.first = int(at(first).timestamp())
        self.list = [market("BTC")]

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "api/v2/markets/":
            return self.list
        assert path.startswith("api/v2/ohlc/")
        assert path.endswith("/"), "the trailing slash is part of the path"
        assert "end" not in params, "start and end together are read as the end"
        newest = int(NOW.timestamp()) // DAY_S * DAY_S
        if params["exclude_current_candle"] == "true":
            newest -= DAY_S
        first = max(params["start"], self.first)
        times = range(first, newest + 1, params["step"])[: params["limit"]]
        rows = [
            {"timestamp": str(time), "open": "10", "high": "12", "low": "9", "close": "11",
             "volume": "5.5"} for time in times
        ]  # fmt: skip
        return {"data": {"pair": "BTC/USD", "market": "BTC/USD", "ohlc": rows}}


def test_candles_are_texts_in_seconds():
    (row,) = parse.ohlc(decoded(BODY), "btcusd", DAY_S, LATEST).rows.to_pylist()
    assert row["open_time"] == at("2020-01-01")
    assert (row["high"], row["volume_base"]) == (Decimal("7237.73"), Decimal("2270.19"))


def test_the_recorded_list_of_pairs_is_read(shared_data):
    path = shared_data / "exchange_metadata_cryptofeed" / "BITSTAMP.0.txt"
    line = path.read_text(encoding="utf-8").splitlines()[0]
    parsed = parse.markets(decoded(line[line.index("[") :]))
    rows = {row["market_symbol"]: row for row in parsed.rows.to_pylist()}
    assert (len(rows), parsed.refused) == (140, ())
    assert (rows["btcusd"]["base_currency"], rows["btcusd"]["counter_currency"]) == ("BTC", "USD")
    assert rows["ethpax"]["counter_currency"] == "PAX"


def test_pages_are_windows_of_a_thousand_days_by_their_start():
    run = run_of(Exchange("2011-08-18"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2020-01-01", "2026-03-01"))["ohlc"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 2251
    assert max(times) == at("2026-02-28")
    assert [asked["limit"] for asked in run.client.paths("ohlc")] == [1000, 1000, 251]
    assert log_of(run, "ohlc")["btcusd"]["status"] == "ok"


def test_a_page_from_before_the_listing_brings_nothing_twice():
    run = run_of(Exchange("2025-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2020-01-01", "2026-02-28"))["ohlc"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 424


def test_only_spot_markets_of_curated_bases_are_asked_for():
    exchange = Exchange("2011-08-18")
    exchange.list = [
        market("BTC"), market("BTC", "EUR"), market("BTC", "JPY"), market("XYZ"),
        {**market("BTC", kind="PERPETUAL"), "market_symbol": "btcusd-perp"},
    ]  # fmt: skip
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["market_symbol"] for row in rows["ohlc"]} == {"btcusd", "btceur"}


@pytest.mark.parametrize(
    "body",
    [
        {"code": "not_found", "errors": []},
        {"data": {"pair": "BTC/USD"}},
        {"errors": [{"field": "step", "message": "Invalid value.", "code": "invalid"}]},
        [],
        None,
    ],
)
def test_an_error_is_no_candles(body):
    with pytest.raises(PayloadError):
        parse.ohlc(body, "btcusd", DAY_S, LATEST)


@pytest.mark.parametrize("body", [[], {}, None])
def test_an_empty_list_of_markets_is_an_error(body):
    with pytest.raises(PayloadError):
        parse.markets(body)


def test_the_rate_limit_in_the_body_of_a_refusal_stops_the_source():
    exchange = Exchange("2011-08-18")
    exchange.list = [market("BTC"), market("ETH")]

    def answer(path: str, params: dict[str, Any]) -> Any:
        if "ohlc" in path:
            body = '{"status":"error","response_code":"400.002"}'
            raise RequestRefused("HTTP 400: too many", status=400, body=body)
        return exchange(path, params)

    run = run_of(answer, NOW, ["BTC", "ETH"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert len(run.client.paths("ohlc")) == 1
    assert run.failures == ["HTTP 400: too many"]


def test_a_refused_market_does_not_stop_the_others():
    exchange = Exchange("2011-08-18")
    exchange.list = [market("BTC"), market("AAA")]

    def answer(path: str, params: dict[str, Any]) -> Any:
        if "aaausd" in path:
            raise RequestRefused("HTTP 404")
        return exchange(path, params)

    run = run_of(answer, NOW, ["BTC", "AAA"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["market_symbol"] for row in rows["ohlc"]} == {"btcusd"}
    assert (len(run.refusals), run.failures) == (1, [])
