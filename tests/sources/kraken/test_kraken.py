"""Kraken spot, on recorded bodies and against a double that answers as it does."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import HttpClient
from pipelines.sources.kraken import SOURCE, parse
from pipelines.sources.kraken.settings import REACH_ROWS
from tests.sources.double import at, days, landed, log_of, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, numbers_in, outcome, says_nothing_new
from tests.sources.local_api import local_api

NOW = at("2025-11-11T06:00")
LATEST = at("2030-01-01")
WIRE = "exchange_wire_samples_nautilus"


def pair(altname: str, wsname: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "altname": altname, "wsname": wsname, "aclass_base": "currency", "base": "XXBT",
        "quote": "ZUSD", "lot_decimals": 8, "fees": [[0, 0.4]], "status": "online",
    } | changes  # fmt: skip


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def candle(day: datetime, *, traded: bool = True) -> list[Any]:
    if not traded:
        return [seconds(day), "105.4", "105.4", "105.4", "105.4", "0.0", "0.00000000", 0]
    return [seconds(day), "101.0", "110.5", "100.25", "105.4", "104.9", "12.00000001", 7]


class Exchange:
    """Oldest first, `since` exclusive, the newest 720 committed candles and the open one."""

    def __init__(self, first: str, now: datetime = NOW) -> None:
        self.first, self.now = at(first), now
        self.pairs = {"XXBTZUSD": pair("XBTUSD", "XBT/USD")}
        self.quiet: set[datetime] = set()

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "0/public/AssetPairs":
            return {"error": [], "result": self.pairs}
        assert path == "0/public/OHLC"
        assert params["interval"] == 1440
        names = [name for name, entry in self.pairs.items() if entry["altname"] == params["pair"]]
        if not names:
            return {"error": ["EQuery:Unknown asset pair"]}
        day, rows = self.first, []
        while day <= self.now:
            rows.append(candle(day, traded=day not in self.quiet))
            day += timedelta(days=1)
        rows = [row for row in rows[-721:] if row[0] > params["since"]]
        return {"error": [], "result": {names[0]: rows, "last": rows[-1][0] - 86_400}}


def ohlc(rows: list[list[Any]], **changes: Any) -> dict[str, Any]:
    last = {"last": rows[-2][0]} if len(rows) > 1 else {"last": 2_000_000_000}
    return {"error": [], "result": {"XXBTZUSD": rows, **last, **changes}}


# --- recorded bodies ------------------------------------------------------------------------------


def test_recorded_ohlc(shared_data: Path) -> None:
    body = recorded(shared_data / WIRE / "kraken__http_ohlc.json")
    parsed = parse.ohlc(body, "XBTUSDT", 1, LATEST)
    assert (parsed.row_count, parsed.refused) == (720, ()), "721 rows, the last one is open"
    rows = parsed.rows.to_pylist()
    assert rows[0] == {
        "pair": "XBTUSDT",
        "interval_min": 1,
        "open_time": at("2025-11-10T12:17"),
        "open": Decimal("106038.2"),
        "high": Decimal("106038.2"),
        "low": Decimal("106038.2"),
        "close": Decimal("106038.2"),
        "vwap": None,
        "volume_base": Decimal(0),
        "trade_count": 0,
    }
    assert rows[3]["vwap"] == Decimal("106039.6")
    assert rows[3]["volume_base"] == Decimal("0.08317981")
    assert rows[-1]["open_time"] == datetime.fromtimestamp(body["result"]["last"], NOW.tzinfo)
    quiet = [row for row in rows if row["trade_count"] == 0]
    assert len(quiet) == 215
    assert {row["vwap"] for row in quiet} == {None}, "a vwap of 0.0 means that there is none"
    assert all(row["vwap"] > 0 for row in rows if row["trade_count"])
    steps = {later["open_time"] - row["open_time"] for row, later in pairwise(rows)}
    assert steps == {timedelta(minutes=1)}


def test_recorded_pairs(shared_data: Path) -> None:
    text = (shared_data / "exchange_metadata_cryptofeed" / "KRAKEN.0.txt").read_text()
    parsed = parse.asset_pairs(json.loads(text.splitlines()[0].partition(": ")[2]))
    assert (parsed.row_count, parsed.refused) == (304, ())
    rows = {row["pair_id"]: row for row in parsed.rows.to_pylist()}
    assert rows["XXBTZUSD"] == {
        "pair_id": "XXBTZUSD",
        "altname": "XBTUSD",
        "wsname": "XBT/USD",
        "base": "XXBT",
        "quote": "ZUSD",
        "status": None,
    }
    assert rows["XDGUSD"]["wsname"] == "XDG/USD", "Kraken's own code of DOGE"
    dark = [row for row in rows.values() if row["wsname"] is None]
    assert len(dark) == 11
    assert all(row["pair_id"].endswith(".d") for row in dark)


def test_recorded_pair_of_2025(shared_data: Path) -> None:
    body = recorded(shared_data / WIRE / "kraken__http_asset_pairs.json")
    rows = {row["pair_id"]: row for row in parse.asset_pairs(body).rows.to_pylist()}
    assert rows["XBTUSDT"]["wsname"] == "XBT/USDT"
    assert rows["XBTUSDT"]["status"] == "online"


# --- statements of the wire format ----------------------------------------------------------------


def test_the_key_is_krakens_own_name_of_the_pair() -> None:
    parsed = parse.ohlc(ohlc([candle(at("2025-11-08")), candle(at("2025-11-09"))]), "XBTUSD",
                        1440, LATEST)  # fmt: skip
    assert parsed.rows["pair"].to_pylist() == ["XBTUSD"], "the name that was asked for is landed"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"last": 1}, r"expected one pair in the result, got \[\]"),
        ({"A": [], "B": [], "last": 1}, r"expected one pair in the result, got \['A', 'B'\]"),
        ({"A": {}, "last": 1}, "expected a list, got dict"),
        ({"A": []}, "expected `last` in seconds, got None"),
        ({"A": [], "last": True}, "expected `last` in seconds, got True"),
        (None, "OHLC.result: expected an object, got NoneType"),
    ],
)
def test_a_result_of_another_shape_is_an_error(result: Any, message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        parse.ohlc({"error": [], "result": result}, "XBTUSD", 1440, LATEST)


def test_an_error_answer_may_lack_its_result() -> None:
    with pytest.raises(PayloadError, match=r"OHLC\.result"):
        parse.ohlc({"error": []}, "XBTUSD", 1440, LATEST)
    assert parse.errors({"error": ["EQuery:Unknown asset pair"]}) == ["EQuery:Unknown asset pair"]


@pytest.mark.parametrize("body", [[], None, "busy", {}, {"error": None}, {"error": "EService:"}])
def test_a_body_without_its_list_of_errors_is_an_error(body: Any) -> None:
    with pytest.raises(PayloadError, match="kraken"):
        parse.errors(body)
    assert not parse.is_busy(body)


def test_warnings_are_no_errors() -> None:
    assert parse.errors({"error": ["WGeneral:Danger"], "result": {}}) == []


@pytest.mark.parametrize(
    ("error", "is_busy"),
    [
        ("EService:Unavailable", True),
        ("EService:Busy", True),
        ("EService:Throttled:1762777020", True),
        ("EAPI:Rate limit exceeded", True),
        ("EGeneral:Too many requests", True),
        ("EQuery:Unknown asset pair", False),
        ("EGeneral:Invalid arguments:interval", False),
        ("EGeneral:Internal error", False),
        ("WGeneral:Danger", False),
    ],
)
def test_busy_is_reported_from_refused(error: str, is_busy: bool) -> None:
    assert parse.is_busy({"error": [error]}) is is_busy


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [(1, "0", "open: not above 0"), (4, "-1", "close: not above 0"),
     (6, None, "volume_base: missing"), (7, "1.5", "trade_count: not a integer")],
)  # fmt: skip
def test_a_wrong_cell_costs_its_row_only(cell: int, value: Any, reason: str) -> None:
    bad = candle(at("2025-11-07"))
    bad[cell] = value
    body = ohlc([bad, candle(at("2025-11-08")), candle(at("2025-11-09"))])
    parsed = parse.ohlc(body, "XBTUSD", 1440, LATEST)
    assert parsed.rows["open_time"].to_pylist() == [at("2025-11-08")]
    assert parsed.refused[0][0].startswith(reason)


def test_an_absurd_vwap_is_left_out_and_its_candle_lives() -> None:
    bad = candle(at("2025-11-07"))
    bad[5] = "-1"
    parsed = parse.ohlc(ohlc([bad, candle(at("2025-11-08"))]), "XBTUSD", 1440, LATEST)
    assert parsed.rows["vwap"].to_pylist()[0] is None
    assert [why for why, _ in parsed.unread] == ["vwap: below 0: -1"]


def test_the_open_candle_is_left_out_whatever_our_clock_says() -> None:
    rows = [candle(at("2025-11-08")), candle(at("2025-11-09"))]
    parsed = parse.ohlc(ohlc(rows), "XBTUSD", 1440, LATEST)
    assert parsed.rows["open_time"].to_pylist() == [at("2025-11-08")]
    assert parse.ohlc(ohlc(rows[:1], last=0), "XBTUSD", 1440, LATEST).row_count == 0


def test_both_gap_styles_are_allowed() -> None:
    skipped = [candle(at(f"2025-11-0{day}")) for day in (1, 4, 5)]
    assert parse.ohlc(ohlc(skipped), "XBTUSD", 1440, LATEST).row_count == 2
    flat = [candle(at("2025-11-01")), candle(at("2025-11-02"), traded=False), skipped[1]]
    rows = parse.ohlc(ohlc(flat), "XBTUSD", 1440, LATEST).rows.to_pylist()
    assert [row["vwap"] for row in rows] == [Decimal("104.9"), None]


def test_times_are_seconds() -> None:
    row = candle(at("2025-11-08"))
    body = ohlc([[row[0] * 1000, *row[1:]]], last=row[0] * 1000)
    assert parse.ohlc(body, "XBTUSD", 1440, LATEST).refused[0][0].startswith("open_time: in the f")


@pytest.mark.parametrize("result", [{}, [], None])
def test_a_list_of_pairs_that_is_none_is_an_error(result: Any) -> None:
    with pytest.raises(PayloadError, match="AssetPairs"):
        parse.asset_pairs({"error": [], "result": result})


# --- requests -------------------------------------------------------------------------------------


def test_since_is_exclusive_so_it_lies_before_the_first_candle() -> None:
    run = run_of(Exchange("2024-01-01"), NOW, {"XBT"})
    rows = landed(SOURCE, run, days("2025-11-08", "2025-11-10"))["ohlc"]
    assert [row["open_time"].day for row in rows] == [8, 9, 10]
    (params,) = run.client.paths("OHLC")  # type: ignore[attr-defined]
    assert params == {"pair": "XBTUSD", "interval": 1440, "since": seconds(at("2025-11-08")) - 1}
    assert log_of(run, "ohlc")["XBTUSD"]["status"] == "ok"


def test_the_open_candle_is_never_landed() -> None:
    run = run_of(Exchange("2024-01-01"), NOW, {"XBT"})
    rows = landed(SOURCE, run, days("2025-11-08", "2025-11-20"))["ohlc"]
    assert max(row["open_time"] for row in rows) == at("2025-11-10")


def test_a_clock_that_is_ahead_does_not_close_the_open_candle() -> None:
    exchange = Exchange("2024-01-01", now=at("2025-11-10T23:59:58"))
    run = run_of(exchange, at("2025-11-11T00:00:03"), {"XBT"})
    rows = landed(SOURCE, run, days("2025-11-08", "2025-11-10"))["ohlc"]
    assert max(row["open_time"] for row in rows) == at("2025-11-09")
    assert log_of(run, "ohlc")["XBTUSD"]["status"] == "partial"


def test_only_the_newest_720_days_can_be_had_and_are_asked_for() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"XBT"})
    rows = landed(SOURCE, run, days("2020-01-01", "2025-11-10"))["ohlc"]
    assert len(rows) == REACH_ROWS == 720
    line = log_of(run, "ohlc")["XBTUSD"]
    assert line["window_start"] == min(row["open_time"] for row in rows)
    assert line["status"] == "ok", "a day out of reach must not look deleted"


def test_a_window_out_of_reach_asks_for_no_candles() -> None:
    run = run_of(Exchange("2020-01-01"), NOW, {"XBT"})
    assert list(landed(SOURCE, run, days("2021-01-01", "2021-12-31"))) == ["asset_pairs"]
    assert run.failures == []


def test_pairs_are_chosen_by_their_public_names() -> None:
    exchange = Exchange("2025-11-01")
    exchange.pairs = {
        "XXBTZUSD": pair("XBTUSD", "XBT/USD"),
        "XXBTZUSD.d": pair("XBTUSD.d", None),
        "XDGEUR": pair("XDGEUR", "XDG/EUR"),
        "XBTCHF": pair("XBTCHF", "XBT/CHF"),
        "JUNKUSD": pair("JUNKUSD", "JUNK/USD"),
    }
    run = run_of(exchange, NOW, {"XBT", "XDG"})
    tables = landed(SOURCE, run, days("2025-11-10", "2025-11-10"))
    assert len(tables["asset_pairs"]) == 5
    assert sorted({row["pair"] for row in tables["ohlc"]}) == ["XBTUSD", "XDGEUR"]


def refuse(run_pairs: dict[str, Any], body: Any) -> Any:
    exchange = Exchange("2025-11-01")
    exchange.pairs = run_pairs

    def answer(path: str, params: dict[str, Any]) -> Any:
        return body if params.get("pair") == "AAAUSD" else exchange(path, params)

    return answer


TWO = {"AAAUSD": pair("AAAUSD", "AAA/USD"), "XXBTZUSD": pair("XBTUSD", "XBT/USD")}


def test_an_error_inside_200_refuses_one_pair() -> None:
    run = run_of(refuse(TWO, {"error": ["EQuery:Unknown asset pair"]}), NOW, {"AAA", "XBT"})
    assert len(landed(SOURCE, run, days("2025-11-10", "2025-11-10"))["ohlc"]) == 1
    assert run.refusals == ["ohlc AAAUSD: OHLC AAAUSD: EQuery:Unknown asset pair"]
    assert run.failures == []


def test_busy_after_all_attempts_ends_the_run() -> None:
    run = run_of(refuse(TWO, {"error": ["EService:Busy"]}), NOW, {"AAA", "XBT"})
    assert "ohlc" not in landed(SOURCE, run, days("2025-11-10", "2025-11-10"))
    assert run.failures == ["OHLC AAAUSD: EService:Busy"]
    assert {name: row["status"] for name, row in log_of(run, "ohlc").items()} == {
        "AAAUSD": "error",
        "XBTUSD": "skipped",
    }


def test_busy_inside_200_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    answers = [{"error": ["EService:Busy"]}, {"error": ["EAPI:Rate limit exceeded"]}]
    good = {"error": [], "result": {"XXBTZUSD": TWO["XXBTZUSD"]}}
    with local_api(lambda _: answers.pop(0) if answers else good) as api:
        client = HttpClient("kraken", api.url, budget=None, is_busy=SOURCE.is_busy)
        assert parse.errors(client.get_json("0/public/AssetPairs")) == []
        assert (client.usage.request_count, client.usage.retry_count) == (3, 2)


# --- fuzz -----------------------------------------------------------------------------------------

BODY = ohlc([candle(at(f"2025-11-0{day}"), traded=day != 2) for day in range(1, 5)])
CELLS = {"open_time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "vwap": 5, "volume_base": 6,
         "trade_count": 7}  # fmt: skip


@FUZZ
@given(damaged(BODY))
def test_damaged_ohlc(body: Any) -> None:
    parsed = outcome(lambda payload: parse.ohlc(payload, "XBTUSD", 1440, LATEST), body)
    if parsed is not None:
        (received,) = (rows for name, rows in body["result"].items() if name != "last")
        says_nothing_new(parsed, received, CELLS, is_null=_is_nothing)


def _is_nothing(cell: Any) -> bool:
    return cell is None or numbers_in(cell) == {Decimal(0)}


@FUZZ
@given(damaged({"error": [], "result": TWO}))
def test_damaged_pairs(body: Any) -> None:
    parsed = outcome(parse.asset_pairs, body)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body["result"])


@FUZZ
@given(damaged({"error": ["EService:Busy", "WGeneral:x"], "result": {}}))
def test_damaged_errors(body: Any) -> None:
    assert parse.is_busy(body) in (True, False)
    try:
        problems = parse.errors(body)
    except PayloadError:
        return
    assert all(isinstance(entry, str) for entry in problems)
