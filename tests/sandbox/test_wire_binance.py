"""Binance's wire format, statement by statement."""

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.sandbox.conftest import DAY_S, SMALL, seconds

DAY_MS = DAY_S * 1000
KLINES = "/binance/api/v3/klines"
INFO = "/binance/api/v3/exchangeInfo"
Ask = Callable[..., httpx.Response]
Candles = Callable[[str, str], pl.DataFrame]


def _klines(ask: Ask, symbol: str = "BTCUSDT", **params: object) -> list[list[object]]:
    response = ask(KLINES, symbol=symbol, interval="1d", **params)
    assert response.status_code == 200, response.text
    rows: list[list[object]] = response.json()
    return rows


def test_a_row_is_an_array_of_twelve_with_numbers_as_text(ask: Ask, candles: Candles) -> None:
    row = _klines(ask, limit=1, startTime=0)[0]
    stored = candles("binance", "BTCUSDT").row(0, named=True)
    assert [type(cell) for cell in row] == [
        int, str, str, str, str, str, int, str, int, str, str, str,
    ]  # fmt: skip
    assert row[0] == seconds(SMALL.start) * 1000
    assert row[6] == row[0] + DAY_MS - 1
    assert row[1:6] == [
        f"{stored[name]:.8f}" for name in ("open", "high", "low", "close", "volume_base")
    ]
    assert (row[7], row[8], row[11]) == (f"{stored['volume_quote']:.8f}", stored["trades"], "0")
    assert float(row[9]) <= float(row[5])
    assert float(row[10]) <= float(row[7])


def test_rows_have_the_recorded_rows_types(ask: Ask, shared_data: Path) -> None:
    recorded = json.loads(
        (
            shared_data / "exchange_wire_samples_nautilus/binance__http_spot_market_klines.json"
        ).read_text()
    )
    served = _klines(ask, limit=len(recorded))
    assert [[type(cell) for cell in row] for row in served] == [
        [type(cell) for cell in row] for row in recorded
    ]
    decimals = {len(str(cell).partition(".")[2]) for row in recorded for cell in row[1:6]}
    assert {len(str(cell).partition(".")[2]) for row in served for cell in row[1:6]} == decimals


def test_rows_ascend_and_the_running_candle_is_last(ask: Ask) -> None:
    rows = _klines(ask)
    opens = [row[0] for row in rows]
    assert opens == sorted(opens)
    now = ask(INFO).json()["serverTime"]
    assert rows[-1][6] > now > rows[-2][6]


def test_ranges_are_inclusive_on_the_open_time(ask: Ask) -> None:
    third = (seconds(SMALL.start) + 2 * DAY_S) * 1000
    assert [row[0] for row in _klines(ask, startTime=third, endTime=third + DAY_MS)] == [
        third,
        third + DAY_MS,
    ]
    assert [row[0] for row in _klines(ask, startTime=third, endTime=third)] == [third]
    assert _klines(ask, startTime=third + 1, endTime=third + DAY_MS - 1) == []
    # microseconds are accepted too
    assert [row[0] for row in _klines(ask, startTime=third * 1000, endTime=third * 1000)] == [third]


def test_which_rows_are_given_when_there_are_more_than_the_limit(ask: Ask) -> None:
    first = seconds(SMALL.start) * 1000
    assert [row[0] for row in _klines(ask, startTime=0, limit=2)] == [first, first + DAY_MS]
    tenth = first + 9 * DAY_MS
    assert [row[0] for row in _klines(ask, endTime=tenth, limit=2)] == [tenth - DAY_MS, tenth]
    assert [row[0] for row in _klines(ask, startTime=first, endTime=tenth, limit=2)] == [
        first,
        first + DAY_MS,
    ]
    assert _klines(ask, limit=2) == _klines(ask)[-2:]


def test_paging_by_the_last_open_time_gives_every_row_once(ask: Ask, candles: Candles) -> None:
    start, seen = 0, []
    while page := _klines(ask, startTime=start, limit=50):
        seen += [row[0] for row in page]
        start = page[-1][0] + 1
    complete = [
        int(moment.timestamp() * 1000) for moment in candles("binance", "BTCUSDT")["open_time"]
    ]
    assert seen == complete


def test_the_limit_is_500_by_default_and_1000_at_most(tmp_path: Path) -> None:
    settings = GeneratorSettings(
        start=SMALL.end - timedelta(days=1_100), end=SMALL.end, assets=15, stablecoins=7
    )
    with SandboxServer(generate(settings, tmp_path / "long")) as server:

        def count(**params: object) -> int:
            asked = {"symbol": "BTCUSDT", "interval": "1d", **params}
            return len(httpx.get(server.url + KLINES, params=asked, trust_env=False).json())

        assert count() == 500
        assert count(limit=1000) == 1000
        assert count(limit=5000) == 1000


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"symbol": "NOPEUSDT", "interval": "1d"}, -1121),
        ({"symbol": "BTCUSDT", "interval": "1D"}, -1120),
        ({"interval": "1d"}, -1102),
        ({"symbol": "", "interval": "1d"}, -1105),
        ({"symbol": "BTC/USDT", "interval": "1d"}, -1100),
        ({"symbol": "BTCUSDT", "interval": "1d", "startTime": "2024-01-01"}, -1100),
        ({"symbol": "BTCUSDT", "interval": "1d", "limit": "0"}, -1130),
    ],
)
def test_errors_are_http_400_with_code_and_msg(ask: Ask, params: dict[str, str], code: int) -> None:
    response = ask(KLINES, **params)
    assert response.status_code == 400
    assert response.json()["code"] == code
    assert isinstance(response.json()["msg"], str)


def test_a_known_interval_without_data_is_an_empty_page(ask: Ask) -> None:
    response = ask(KLINES, symbol="BTCUSDT", interval="3m")
    assert (response.status_code, response.json()) == (200, [])


def test_data_before_the_listing_begins_at_the_listing(ask: Ask) -> None:
    rows = _klines(ask, "SBXYAUSDT", startTime=0)
    assert rows[0][0] == (seconds(SMALL.end) - 4 * DAY_S) * 1000


def test_times_become_microseconds_only_on_request(ask: Ask) -> None:
    plain = _klines(ask, limit=1)[0]
    asked = ask(
        KLINES,
        headers={"X-MBX-TIME-UNIT": "MICROSECOND"},
        symbol="BTCUSDT",
        interval="1d",
        limit=1,
    ).json()[0]
    assert asked[0] == plain[0] * 1000
    assert asked[6] == plain[6] * 1000 + 999
    assert asked[1:6] == plain[1:6]


def test_answers_say_how_much_weight_was_used(ask: Ask) -> None:
    before = float(ask(KLINES, symbol="BTCUSDT", interval="1d").headers["X-MBX-USED-WEIGHT-1M"])
    after = float(ask(INFO).headers["X-MBX-USED-WEIGHT-1M"])
    assert after - before == 20


def test_exchange_info_lists_pairs_with_their_status(ask: Ask) -> None:
    body = ask(INFO).json()
    assert set(body) == {"timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"}
    weight = next(r for r in body["rateLimits"] if r["rateLimitType"] == "REQUEST_WEIGHT")
    assert (weight["interval"], weight["intervalNum"], weight["limit"]) == ("MINUTE", 1, 6000)
    pairs = {pair["symbol"]: pair for pair in body["symbols"]}
    bitcoin = pairs["BTCUSDT"]
    assert (bitcoin["baseAsset"], bitcoin["quoteAsset"], bitcoin["status"]) == (
        "BTC",
        "USDT",
        "TRADING",
    )
    assert bitcoin["isSpotTradingAllowed"] is True
    assert bitcoin["permissions"] == []
    assert bitcoin["permissionSets"] == [["SPOT"]]
    assert pairs["SBXHALTUSDT"]["status"] == "BREAK", "a delisted pair stays, with another status"
    assert _klines(ask, "SBXHALTUSDT"), "and so does its history"


def test_exchange_info_can_be_narrowed(ask: Ask) -> None:
    one = ask(INFO, symbol="BTCUSDT").json()["symbols"]
    assert [pair["symbol"] for pair in one] == ["BTCUSDT"]
    two = ask(INFO, symbols='["ETHUSDT","BTCUSDT"]').json()["symbols"]
    assert [pair["symbol"] for pair in two] == ["ETHUSDT", "BTCUSDT"]
    broken = ask(INFO, symbolStatus="BREAK").json()["symbols"]
    assert {pair["status"] for pair in broken} == {"BREAK"}
    assert ask(INFO, symbol="NOPE").json()["code"] == -1121
    assert ask(INFO, symbols="NOPE").json()["code"] == -1100


def test_a_pair_has_the_keys_of_the_recording(ask: Ask, shared_data: Path) -> None:
    recorded = json.loads(
        (
            shared_data
            / "exchange_wire_samples_nautilus/binance__http_spot_market_exchange_info.json"
        ).read_text()
    )
    served = ask(INFO, symbol="BTCUSDT").json()
    assert set(recorded) <= set(served)
    old, new = recorded["symbols"][0], served["symbols"][0]
    assert set(old) <= set(new)
    assert {key: type(new[key]) for key in old} == {key: type(old[key]) for key in old}


def test_a_reassigned_symbol_is_one_series_of_two_assets(ask: Ask, candles: Candles) -> None:
    rows = _klines(ask, "SBXVEGAUSDT", startTime=0)
    days = [row[0] // DAY_MS for row in rows]
    gaps = [b - a for a, b in itertools.pairwise(days) if b - a > 2]
    assert len(gaps) == 1, "trading halts between the two, within one and the same symbol"
    assert ask(INFO, symbol="SBXVEGAUSDT").json()["symbols"][0]["status"] == "TRADING"
