"""OKX, on recorded bodies and against a double that pages as OKX does."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.core.payload import PayloadError
from pipelines.sources.okx import SOURCE, parse
from pipelines.sources.okx.settings import FUNDING_REACH_D
from tests.sources.double import at, days, landed, log_of, ms, recorded, run_of

NOW = at("2026-03-01T06:00")
LATEST = at("2026-03-02")
WIRE = "exchange_wire_samples_nautilus"


def spot(base: str, quote: str = "USDT") -> dict[str, str]:
    return {
        "instType": "SPOT", "instId": f"{base}-{quote}", "baseCcy": base, "quoteCcy": quote,
        "ctType": "", "ctVal": "", "ctValCcy": "", "settleCcy": "", "instFamily": "",
        "state": "live", "listTime": "1548133413000",
    }  # fmt: skip


def swap(base: str, settle: str = "USDT", kind: str = "linear") -> dict[str, str]:
    family = f"{base}-USDT" if kind == "linear" else f"{base}-USD"
    return {
        "instType": "SWAP", "instId": f"{family}-SWAP", "baseCcy": "", "quoteCcy": "",
        "ctType": kind, "ctVal": "0.01", "ctValCcy": base, "settleCcy": settle,
        "instFamily": family, "state": "live", "listTime": "1548133413000",
    }  # fmt: skip


class Exchange:
    """Newest first, `after` exclusive and older, one page at the most, the open candle too."""

    def __init__(self, first: str, cap: int = 300) -> None:
        self.first = at(first)
        self.cap = cap
        self.funding_hours = 8
        self.lists = {"SPOT": [spot("BTC")], "SWAP": []}

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "api/v5/public/instruments":
            return {"code": "0", "msg": "", "data": self.lists[params["instType"]]}
        if path == "api/v5/market/history-candles":
            assert params["bar"] == "1Dutc", "other days of OKX begin at 16:00 UTC"
            return self._page(params, 24, self._candle)
        if path == "api/v5/public/funding-rate-history":
            return self._page(params, self.funding_hours, self._settlement)
        return {"code": 404, "data": {}, "error_code": "404"}

    def _page(self, params: dict[str, Any], hours: int, row_of: Any) -> Any:
        times = []
        instant = self.first
        while instant <= NOW:
            times.append(ms(instant))
            instant += timedelta(hours=hours)
        older = [time for time in reversed(times) if time < params.get("after", 2**62)]
        limit = min(self.cap, params["limit"])
        rows = [row_of(params["instId"], time) for time in older[:limit]]
        return {"code": "0", "msg": "", "data": rows}

    def _candle(self, _inst_id: str, time: int) -> list[str]:
        confirm = "0" if time + 86_400_000 > ms(NOW) else "1"
        return [str(time), "10", "12", "9", "11", "5.5", "60.5", "60.5", confirm]

    def _settlement(self, inst_id: str, time: int) -> dict[str, str]:
        return {"instType": "SWAP", "instId": inst_id, "fundingRate": "0.0002",
                "realizedRate": "0.0001", "fundingTime": str(time)}  # fmt: skip


def test_recorded_candles_are_typed_and_newest_first(shared_data):
    body = recorded(shared_data / WIRE / "okx__http_get_candlesticks_full.json")
    parsed = parse.history_candles(parse.rows(body), "BTC-USDT", "1m", LATEST)
    first, second = parsed.rows.to_pylist()
    assert parsed.refused == ()
    assert (first["open_time"], second["open_time"]) == (
        at("2025-05-12T23:54"),
        at("2025-05-12T23:53"),
    )
    assert first["close"] == Decimal("102820.4")
    assert first["volume_base"] == Decimal("1040.37")
    assert first["volume_quote"] == Decimal("1069603.34883")


def test_recorded_candles_that_are_not_confirmed_are_left_out(shared_data):
    body = recorded(shared_data / WIRE / "okx__http_get_candlesticks.json")
    parsed = parse.history_candles(parse.rows(body), "BTC-USDT", "1m", LATEST)
    assert (parsed.row_count, parsed.refused) == (0, ())


def test_recorded_funding_has_the_realized_rate_beside_the_predicted(shared_data):
    body = recorded(shared_data / WIRE / "okx__http_get_funding_rate_history.json")
    first, second = parse.funding_rate_history(parse.rows(body), LATEST).rows.to_pylist()
    assert first["realized_rate"] == Decimal("0.00015")
    assert first["funding_rate"] == Decimal("0.0001515032")
    assert first["funding_time"] - second["funding_time"] == timedelta(hours=8)


def test_recorded_instruments_say_nothing_by_an_empty_text(shared_data):
    pairs = parse.instruments(
        parse.rows(recorded(shared_data / WIRE / "okx__http_get_instruments_spot.json"))
    )
    swaps = parse.instruments(
        parse.rows(recorded(shared_data / WIRE / "okx__http_get_instruments_swap.json"))
    )
    assert (pairs.refused, swaps.refused) == ((), ())
    bitcoin = pairs.rows.to_pylist()[0]
    assert (bitcoin["base_ccy"], bitcoin["quote_ccy"]) == ("BTC", "USD")
    assert bitcoin["contract_value"] is None
    inverse, linear = swaps.rows.to_pylist()[:2]
    assert (inverse["contract_type"], inverse["contract_value_ccy"]) == ("inverse", "USD")
    assert (linear["contract_type"], linear["contract_value"]) == ("linear", Decimal("0.1"))


def test_pages_go_backwards_until_the_window_is_covered():
    run = run_of(Exchange("2020-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2024-05-01", "2026-02-28"))["history_candles"]
    times = [row["open_time"] for row in rows]
    assert len(times) == len(set(times)) == 669
    assert (min(times), max(times)) == (at("2024-05-01"), at("2026-02-28"))
    asked = run.client.paths("history-candles")
    assert len(asked) == 3
    assert asked[0] == {
        "instId": "BTC-USDT", "bar": "1Dutc", "after": ms(at("2026-03-01")), "limit": 300,
    }  # fmt: skip
    assert log_of(run, "history_candles")["BTC-USDT"]["status"] == "ok"


def test_a_server_that_gives_less_than_the_limit_loses_nothing():
    run = run_of(Exchange("2020-01-01", cap=100), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2025-05-01", "2026-02-28"))["history_candles"]
    assert len({row["open_time"] for row in rows}) == 304


def test_history_ends_where_the_pages_are_empty():
    run = run_of(Exchange("2026-02-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2024-05-01", "2026-02-28"))["history_candles"]
    assert min(row["open_time"] for row in rows) == at("2026-02-01")
    assert len(run.client.paths("history-candles")) == 2


def test_a_daily_run_asks_once_and_leaves_the_running_day_out():
    run = run_of(Exchange("2020-01-01"), NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-25", "2026-03-01"))["history_candles"]
    assert max(row["open_time"] for row in rows) == at("2026-02-28")
    assert [asked["limit"] for asked in run.client.paths("history-candles")] == [4]


def test_an_unconfirmed_candle_inside_the_window_makes_the_answer_partial():
    exchange = Exchange("2020-01-01")
    closed = exchange._candle

    def late(inst_id: str, time: int) -> list[str]:
        confirm = "0" if time == ms(at("2026-02-28")) else "1"
        return [*closed(inst_id, time)[:8], confirm]

    exchange._candle = late
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2026-02-25", "2026-02-28"))["history_candles"]
    assert max(row["open_time"] for row in rows) == at("2026-02-27")
    assert log_of(run, "history_candles")["BTC-USDT"]["status"] == "partial"


def test_an_unknown_confirm_is_quarantined():
    row = ["1772236800000", "10", "12", "9", "11", "5", "60", "60", "2"]
    parsed = parse.history_candles([row, row[:8]], "BTC-USDT", "1Dutc", LATEST)
    assert parsed.row_count == 0
    assert [reason for reason, _ in parsed.refused] == [
        "row: expected 9 cells, got 8",
        'confirm: unknown value: "2"',
    ]


def test_only_usdt_settled_linear_swaps_are_asked_for_funding():
    exchange = Exchange("2020-01-01")
    exchange.lists = {
        "SPOT": [spot("BTC"), spot("BTC", "EUR"), spot("BTC", "AED"), spot("XYZ")],
        "SWAP": [swap("BTC"), swap("BTC", "BTC", "inverse"), swap("XYZ")],
    }
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-25", "2026-02-28"))
    assert {asked["instId"] for asked in run.client.paths("candles")} == {
        "BTC-USDT",
        "BTC-EUR",
    }
    assert {asked["instId"] for asked in run.client.paths("funding")} == {"BTC-USDT-SWAP"}


def test_funding_is_asked_for_three_months_back_at_the_most():
    exchange = Exchange("2020-01-01")
    exchange.lists = {"SPOT": [], "SWAP": [swap("BTC")]}
    run = run_of(exchange, NOW, ["BTC"])
    rows = landed(SOURCE, run, days("2025-01-01", "2026-02-28"))["funding_rate_history"]
    times = sorted(row["funding_time"] for row in rows)
    assert times[0] == at("2026-03-01") - timedelta(days=FUNDING_REACH_D)
    assert len(times) == len(set(times)) == 3 * FUNDING_REACH_D
    entry = log_of(run, "funding_rate_history")["BTC-USDT-SWAP"]
    assert (entry["status"], entry["window_start"]) == ("ok", times[0])


def test_an_unknown_instrument_is_refused_and_the_next_is_asked():
    exchange = Exchange("2020-01-01")
    exchange.lists["SPOT"] = [spot("AAA"), spot("BTC")]

    def answer(path: str, params: dict[str, Any]) -> Any:
        if params.get("instId") == "AAA-USDT":
            return {"code": "51001", "msg": "Instrument ID doesn't exist."}
        return exchange(path, params)

    run = run_of(answer, NOW, ["AAA", "BTC"])
    rows = landed(SOURCE, run, days("2026-02-25", "2026-02-28"))
    assert {row["inst_id"] for row in rows["history_candles"]} == {"BTC-USDT"}
    assert run.failures == []
    assert "51001" in run.refusals[0]
    assert log_of(run, "history_candles")["AAA-USDT"]["status"] == "error"


@pytest.mark.parametrize("code", ["50011", "50013", "50026"])
def test_busy_answers_are_reported_apart(code):
    body = {"code": code, "msg": "later", "data": []}
    assert parse.is_busy(body)
    run = run_of(lambda _path, _params: body, NOW, ["BTC"])
    assert landed(SOURCE, run, days("2026-02-28", "2026-02-28")) == {}
    assert code in run.failures[0]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"code": "0", "data": []}, None),
        ({"code": 0, "data": []}, None),
        ({"code": 404, "data": {}, "error_code": "404"}, "code 404: "),
        ({"code": "50014", "msg": "Parameter instId can not be empty"}, "code 50014: Parameter"),
    ],
)
def test_success_is_the_code_zero_as_text_or_number(body, problem):
    said = parse.error(body)
    assert said is None if problem is None else said.startswith(problem)


@pytest.mark.parametrize("body", [[], {}, {"msg": ""}, "ok", None])
def test_a_body_without_a_code_is_no_answer_of_okx(body):
    with pytest.raises(PayloadError):
        parse.error(body)


def test_pages_that_lead_nowhere_end_in_an_error():
    exchange = Exchange("2020-01-01")

    def answer(path: str, params: dict[str, Any]) -> Any:
        return exchange(path, {**params, "after": 2**62} if "candles" in path else params)

    run = run_of(answer, NOW, ["BTC"])
    landed(SOURCE, run, days("2025-01-01", "2025-01-31"))
    assert "a page after" in run.failures[0]
    assert len(run.client.paths("candles")) == 1


def test_an_empty_list_of_instruments_stops_the_source():
    exchange = Exchange("2020-01-01")
    exchange.lists = {"SPOT": [], "SWAP": []}
    run = run_of(exchange, NOW, ["BTC"])
    landed(SOURCE, run, days("2026-02-28", "2026-02-28"))
    assert "no curated instrument in the list" in run.failures[0]
