"""Gate.io, on its documented answers and against a double that pages as Gate.io does."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.gateio import SOURCE, parse
from pipelines.sources.gateio.tables import REACH_ROWS
from tests.sources.double import at, days, decoded, landed, log_of, run_of

NOW = at("2026-03-01T06:00")
LATEST = at("2026-03-02")
DAY_S = 86_400
# the documented shapes
CANDLE = """[["1539820800","971519.677","0.0021724","0.0021922","0.0021","0.0021737","451",
  "true"]]"""
PAIR = """[{"id":"ETH_USDT","base":"ETH","base_name":"Ethereum","quote":"USDT",
  "quote_name":"Tether","fee":"0.2","min_base_amount":"0.001","min_quote_amount":"1.0","max_base_amount":"10000",
  "amount_precision":3,"precision":6,"trade_status":"tradable","sell_start":1516378650,
  "buy_start":1516378650,"delisting_time":0,"type":"normal","st_tag":false}]"""
TOO_BROAD = "Candlestick range too broad. Maximum 1000 data points are allowed per request"
TOO_LONG_AGO = "Candlestick too long ago. Maximum 10000 points ago are allowed"


def pair(base: str, quote: str = "USDT", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"{base}_{quote}", "base": base, "quote": quote, "trade_status": "tradable",
        "type": "normal", **changes,
    }  # fmt: skip


class Exchange:
    """Both ends of a window count; a limit beside them, a point too many or too old is refused."""

    def __init__(self, first: str, *pairs: dict[str, Any]) -> None:
        self.first = int(at(first).timestamp())
        self.list = list(pairs) or [pair("BTC")]

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "api/v4/spot/currency_pairs":
            return self.list
        assert path == "api/v4/spot/candlesticks"
        step = {"1h": 3_600, "1d": DAY_S}[params["interval"]]
        now, first, last = int(NOW.timestamp()), params["from"], params["to"]
        refused = {
            "`limit`": "limit" in params,
            TOO_BROAD: last - first >= 1000 * step,
            TOO_LONG_AGO: first < now - 10_000 * step,
        }
        for words, is_so in refused.items():
            if is_so:
                raise RequestRefused(f"HTTP 400: {words}", status=400)
        times = range(max(first, self.first), min(last, now) + 1, step)
        return [
            [str(time), "110", "11", "12", "9", "10", "10", str(time + step <= now).lower()]
            for time in times
        ]


def test_a_candle_is_eight_texts_in_an_order_of_its_own():
    (row,) = parse.candlesticks(decoded(CANDLE), "ETH_BTC", "1d", LATEST).rows.to_pylist()
    assert row["open_time"] == at("2018-10-18")
    prices = [row[name] for name in ("open", "high", "low", "close")]
    assert prices == [Decimal(text) for text in ("0.0021737", "0.0021922", "0.0021", "0.0021724")]
    assert (row["volume_quote"], row["volume_base"]) == (Decimal("971519.677"), Decimal(451))


def test_a_candle_whose_window_is_not_closed_is_left_out():
    rows = decoded(CANDLE)
    later = [str(int(rows[0][0]) + DAY_S), *rows[0][1:]]
    for cell, counts in (("true", (2, 0)), ("false", (1, 0)), ("maybe", (1, 1)), (None, (1, 1))):
        parsed = parse.candlesticks([rows[0], [*later[:-1], cell]], "ETH_BTC", "1d", LATEST)
        assert (parsed.row_count, len(parsed.refused)) == counts, cell


def test_the_documented_pair():
    (row,) = parse.currency_pairs(decoded(PAIR)).rows.to_pylist()
    assert row == {
        "currency_pair": "ETH_USDT", "base": "ETH", "quote": "USDT", "trade_status": "tradable",
        "type": "normal",
    }  # fmt: skip


def test_pages_are_windows_of_a_thousand_candles_with_both_ends():
    run = run_of(Exchange("2013-05-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2020-01-01", "2026-03-01"))["candlesticks"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 2251
    assert max(times) == at("2026-02-28"), "the running day is not over"
    spans = [asked["to"] - asked["from"] for asked in run.client.paths("candlesticks")]
    assert spans == [999 * DAY_S, 999 * DAY_S, 250 * DAY_S]
    assert log_of(run, "candlesticks")["BTC_USDT"]["status"] == "ok"


def test_days_before_a_listing_are_an_empty_page():
    run = run_of(Exchange("2025-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2020-01-01", "2026-02-28"))["candlesticks"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 424


def test_hours_are_asked_for_as_far_back_as_ten_thousand_points():
    run = run_of(Exchange("2013-05-01"), NOW, ["BTC"])
    run.intervals = ("1h",)
    rows = landed(SOURCE, run, days("2024-01-01", "2026-02-28"))["candlesticks_intraday"]
    reach_d = REACH_ROWS // 24
    assert run.failures == run.refusals == []
    assert len(rows) == reach_d * 24, "what is older is not to be had"
    assert min(row["open_time"] for row in rows) == at("2026-03-01") - timedelta(days=reach_d)


def test_only_pairs_of_curated_bases_and_quotes_that_can_be_priced_are_asked_for():
    exchange = Exchange(
        "2013-05-01", pair("BTC"), pair("BTC", "USDC"), pair("BTC", "TRY"), pair("BTC3L"),
        pair("XYZ"),
    )  # fmt: skip
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["currency_pair"] for row in rows["candlesticks"]} == {"BTC_USDT", "BTC_USDC"}


@pytest.mark.parametrize(
    "body",
    [
        {"label": "INVALID_PARAM_VALUE", "message": TOO_BROAD},
        {"label": "SERVER_ERROR", "message": "Internal server error"},
        {},
        "busy",
        None,
    ],
)
def test_an_error_is_an_object_with_a_label_and_no_candles(body):
    with pytest.raises(PayloadError):
        parse.candlesticks(body, "BTC_USDT", "1d", LATEST)


@pytest.mark.parametrize("body", [[], {}, None])
def test_an_empty_list_of_pairs_is_an_error(body):
    with pytest.raises(PayloadError):
        parse.currency_pairs(body)


def test_a_refused_pair_does_not_stop_the_others():
    exchange = Exchange("2013-05-01", pair("BTC"), pair("AAA"))

    def answer(path: str, params: dict[str, Any]) -> Any:
        if params.get("currency_pair") == "AAA_USDT":
            raise RequestRefused("HTTP 400: Invalid currency AAA", status=400)
        return exchange(path, params)

    run = run_of(answer, NOW, ["BTC", "AAA"])
    rows = landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert {row["currency_pair"] for row in rows["candlesticks"]} == {"BTC_USDT"}
    assert (len(run.refusals), run.failures) == (1, [])
