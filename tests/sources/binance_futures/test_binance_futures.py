"""Binance USD-M futures, on recorded bodies and against a double of its paging."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from pipelines.core.payload import PayloadError
from pipelines.http.client import SourceUnavailable
from pipelines.sources.binance_futures import SOURCE, parse
from tests.sources.double import at, days, decoded, landed, log_of, ms, recorded, run_of

NOW = at("2026-03-01T06:00")
LATEST = at("2026-03-02")
HOUR_MS = 3_600_000


def contract(base: str, kind: str = "PERPETUAL", quote: str = "USDT") -> dict[str, Any]:
    return {
        "symbol": f"{base}{quote}", "contractType": kind, "status": "TRADING", "baseAsset": base,
        "quoteAsset": quote, "marginAsset": quote, "onboardDate": 1569398400000,
        "deliveryDate": 4133404800000,
    }  # fmt: skip


class Exchange:
    """Oldest first from startTime, both ends inclusive; times off by a few milliseconds."""

    def __init__(self) -> None:
        self.jitter = (0, 1, 3, -2)
        self.settlements = range(ms(at("2020-01-01")), ms(NOW), 8 * HOUR_MS)
        self.list = [contract("BTC")]

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "fapi/v1/exchangeInfo":
            return {"symbols": self.list}
        if path == "fapi/v1/fundingInfo":
            return [{"symbol": "ABCUSDT", "adjustedFundingRateCap": "0.02000000",
                     "adjustedFundingRateFloor": "-0.02000000", "fundingIntervalHours": 4,
                     "disclaimer": False}]  # fmt: skip
        if path == "fapi/v1/fundingRate":
            return self.funding_rate(params)
        assert path == "futures/data/openInterestHist"
        return self.open_interest(params)

    def funding_rate(self, params: dict[str, Any]) -> Any:
        times = [time + self.jitter[n % 4] for n, time in enumerate(self.settlements)]
        found = [time for time in times if params["startTime"] <= time <= params["endTime"]]
        return [
            {"symbol": params["symbol"], "fundingRate": "0.00010000", "fundingTime": time,
             "markPrice": "" if time < ms(at("2022-01-01")) else "34287.54619963"}
            for time in found[: params["limit"]]
        ]  # fmt: skip

    def open_interest(self, params: dict[str, Any]) -> Any:
        oldest = ms(NOW - timedelta(days=30))
        assert params["startTime"] >= oldest, "-1130 parameter 'startTime' is invalid"
        times = range(params["startTime"], min(params["endTime"], ms(NOW)) + 1, 24 * HOUR_MS)
        return [
            {"symbol": params["symbol"], "sumOpenInterest": "20403.63700000",
             "sumOpenInterestValue": "150570784.07809979", "timestamp": time}
            for time in times
        ]  # fmt: skip


def test_recorded_contracts_are_typed(shared_data):
    path = "binance__http_futures_market_exchange_info.json"
    parsed = parse.exchange_info(recorded(shared_data / "exchange_wire_samples_nautilus" / path))
    rows = {row["symbol"]: row for row in parsed.rows.to_pylist()}
    assert parsed.refused == ()
    assert rows["BTCUSDT"]["contract_type"] == "PERPETUAL"
    assert rows["BTCUSDT"]["onboard_time"] == at("2019-09-25T08:00")


def test_funding_of_the_documentation_is_typed():
    body = """[{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,
                "markPrice":"34287.54619963"},
               {"symbol":"BTCUSDT","fundingRate":"0.00010000","fundingTime":1570636800005,
                "markPrice":"","rateType":"Regular"}]"""
    first, second = parse.funding_rate(decoded(body), LATEST).rows.to_pylist()
    assert first["funding_rate"] == Decimal("-0.0375")
    assert first["mark_price"] == Decimal("34287.54619963")
    assert second["mark_price"] is None
    assert second["funding_time"] == at("2019-10-09T16:00")
    assert second["reported_time"] == at("2019-10-09T16:00:00.005")


def test_recorded_real_rates_survive_the_wire(shared_data):
    """Real rates of four years, put into the documented shape: every one lands as it is."""
    path = shared_data / "funding_history_supervik"
    lines = next(path.glob("BTC-USDT_binance*.csv")).read_text().splitlines()[1:]
    rates = [line.rpartition(",")[2] for line in lines]
    start = ms(at("2020-01-01"))
    body = [
        {"symbol": "BTCUSDT", "fundingRate": rate, "fundingTime": start + 8 * HOUR_MS * number}
        for number, rate in enumerate(rates)
    ]
    parsed = parse.funding_rate(body, LATEST)
    assert (parsed.refused, parsed.row_count) == ((), len(rates))
    assert parsed.rows["funding_rate"].to_pylist() == [Decimal(rate) for rate in rates]


@pytest.mark.parametrize("timestamp", ['"1583127900000"', "1583127900000"])
def test_open_interest_time_is_a_text_or_a_number(timestamp):
    body = f"""[{{"symbol":"BTCUSDT","sumOpenInterest":"20403.63700000",
        "sumOpenInterestValue":"150570784.07809979","CMCCirculatingSupply":"165880.538",
        "timestamp":{timestamp}}}]"""
    (row,) = parse.open_interest_hist(decoded(body), "5m", LATEST).rows.to_pylist()
    assert row["time"] == at("2020-03-02T05:45")
    assert row["sum_open_interest_value"] == Decimal("150570784.07809979")
    assert row["cmc_circulating_supply"] == Decimal("165880.538")


def test_funding_pages_go_on_after_the_last_settlement():
    run = run_of(Exchange(), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2021-03-01", "2026-02-28"))["funding_rate"]
    times = [row["funding_time"] for row in rows]
    assert len(times) == len(set(times)) == 1826 * 3 + 1
    assert max(times) == at("2026-03-01"), "its mark price is that of the last day's end"
    assert {(time.hour % 8, time.minute, time.second) for time in times} == {(0, 0, 0)}
    assert len(run.client.paths("fundingRate")) == 6
    assert log_of(run, "funding_rate")["BTCUSDT"]["status"] == "ok"


def test_jitter_to_either_side_keeps_a_settlement_in_its_day():
    exchange = Exchange()
    exchange.jitter = (-4, 7, -4, 7)
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-27", "2026-02-27"))["funding_rate"]
    assert [row["funding_time"] for row in rows] == [
        at("2026-02-27T00:00"),
        at("2026-02-27T08:00"),
        at("2026-02-27T16:00"),
        at("2026-02-28T00:00"),
    ]


def test_an_interval_that_changes_during_a_day_shows_in_the_settlements():
    exchange = Exchange()
    change = ms(at("2026-02-27T12:00"))
    exchange.settlements = [
        *range(ms(at("2026-02-26")), change, 8 * HOUR_MS),
        *range(change, ms(NOW), 4 * HOUR_MS),
    ]
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-26", "2026-02-27"))["funding_rate"]
    times = [row["funding_time"] for row in rows]
    hours = [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(times)]
    assert hours == [8, 8, 8, 8, 4, 4, 4, 4]


def test_open_interest_reaches_30_days_back_and_to_the_end_of_the_last_day():
    run = run_of(Exchange(), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2025-01-01", "2026-02-28"))["open_interest_hist"]
    times = [row["time"] for row in rows]
    assert (min(times), max(times), len(times)) == (at("2026-01-31"), at("2026-03-01"), 30)
    assert len(run.client.paths("openInterestHist")) == 1
    entry = log_of(run, "open_interest_hist")["BTCUSDT"]
    assert (entry["status"], entry["window_start"]) == ("ok", at("2026-01-31"))


def test_what_is_gone_from_open_interest_is_not_asked_for():
    run = run_of(Exchange(), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2025-01-01", "2025-01-31"))
    assert "open_interest_hist" not in rows
    assert run.client.paths("openInterestHist") == []
    assert len(rows["funding_rate"]) == 31 * 3 + 1


def test_only_usdt_perpetuals_are_asked_for_and_special_intervals_are_landed():
    exchange = Exchange()
    exchange.list = [
        contract("BTC"), contract("BTC", "CURRENT_QUARTER"), contract("BTC", quote="USDC"),
        contract("XYZ"), contract("1000SHIB"),
    ]  # fmt: skip
    run = run_of(exchange, NOW, ["BTC", "1000SHIB"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["symbol"] for row in rows["funding_rate"]} == {"BTCUSDT", "1000SHIBUSDT"}
    assert [row["funding_interval_h"] for row in rows["funding_info"]] == [4]


def test_an_empty_list_of_special_intervals_is_an_answer():
    assert parse.funding_info([]).row_count == 0


@pytest.mark.parametrize("body", [{"code": -1121, "msg": "Invalid symbol."}, None, "x"])
def test_an_object_in_place_of_rows_is_an_error(body):
    for parser in (parse.funding_info, lambda payload: parse.funding_rate(payload, LATEST)):
        with pytest.raises(PayloadError):
            parser(body)


def test_a_full_page_without_anything_new_ends_in_an_error():
    exchange = Exchange()
    page = exchange.funding_rate({"symbol": "BTCUSDT", "startTime": 0, "endTime": 2**62,
                                  "limit": 1000})  # fmt: skip
    exchange.funding_rate = lambda _params: page
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-01", "2026-02-28"))
    assert "holds nothing after" in run.failures[0]


def test_a_geo_blocked_host_is_reported_once():
    def answer(_path: str, _params: dict[str, Any]) -> Any:
        raise SourceUnavailable("HTTP 451: restricted location")

    run = run_of(answer, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert len(run.client.asked) == 1
    assert run.failures == ["HTTP 451: restricted location"]
