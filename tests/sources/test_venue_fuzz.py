"""Damaged payloads of the newer venues: typed rows, quarantine rows, or a `PayloadError`."""

import copy
import json
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed
from pipelines.sources.binance_futures import parse as futures
from pipelines.sources.bitstamp import parse as bitstamp
from pipelines.sources.bybit import parse as bybit
from pipelines.sources.gateio import parse as gateio
from pipelines.sources.okx import parse as okx
from tests.sources.double import at
from tests.sources.fuzz import FUZZ, damaged, numbers_in, outcome, says_nothing_new

LATEST = at("2026-03-02")
WIDE = Context(prec=80)
TIMES = (1_772_236_800_000, 1_772_150_400_000, 1_772_064_000_000)


def of_okx(parse: Callable[[list[Any]], Parsed]) -> Callable[[Any], Parsed]:
    def parsed(body: Any) -> Parsed:
        if (problem := okx.error(body)) is not None:
            raise PayloadError(problem)
        okx.is_busy(body)
        return parse(okx.rows(body))

    return parsed


def of_bybit(category: str, parse: Callable[[list[Any]], Parsed]) -> Callable[[Any], Parsed]:
    def parsed(body: Any) -> Parsed:
        if (problem := bybit.error(body)) is not None:
            raise PayloadError(problem)
        bybit.is_busy(body)
        bybit.next_cursor(body)
        return parse(bybit.result(body, category, symbol="BTCUSDT"))

    return parsed


def okx_body(rows: list[Any]) -> Any:
    return {"code": "0", "msg": "", "data": rows}


def bybit_body(category: str, rows: list[Any], **more: Any) -> Any:
    result = {"category": category, "symbol": "BTCUSDT", "list": rows, **more}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": TIMES[0]}


OKX_CANDLES = okx_body(
    [[str(time), "10.5", "12.25", "9.125", "11.75", "5.5", "60.25", "60.25", "1"] for time in TIMES]
)
BYBIT_CANDLES = bybit_body(
    "spot", [[str(time), "10.5", "12.25", "9.125", "11.75", "5.5", "60.25"] for time in TIMES]
)
# name: a good body, and how it is read
BODIES: dict[str, tuple[Any, Callable[[Any], Parsed]]] = {
    "okx candles": (
        OKX_CANDLES,
        of_okx(lambda rows: okx.history_candles(rows, "BTC-USDT", "1Dutc", LATEST)),
    ),
    "okx funding": (
        okx_body(
            [
                {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "fundingTime": str(time),
                 "fundingRate": "0.0002", "realizedRate": "0.000125", "method": "current_period",
                 "formulaType": "withRate"}
                for time in TIMES
            ]
        ),
        of_okx(lambda rows: okx.funding_rate_history(rows, LATEST)),
    ),
    "okx instruments": (
        okx_body(
            [
                {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "instFamily": "BTC-USDT",
                 "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT", "ctType": "linear",
                 "ctVal": "0.01", "ctValCcy": "BTC", "state": "live", "listTime": "1573557408000"},
                {"instType": "SPOT", "instId": "BTC-USDT", "instFamily": "", "baseCcy": "BTC",
                 "quoteCcy": "USDT", "settleCcy": "", "ctType": "", "ctVal": "", "ctValCcy": "",
                 "state": "live", "listTime": "1548133413000"},
            ]
        ),
        of_okx(okx.instruments),
    ),
    "bybit candles": (
        BYBIT_CANDLES,
        of_bybit("spot", lambda rows: bybit.kline(rows, "BTCUSDT", "D", LATEST)),
    ),
    "bybit funding": (
        bybit_body(
            "linear",
            [
                {"symbol": "BTCUSDT", "fundingRate": "0.000125", "fundingRateTimestamp": str(time)}
                for time in TIMES
            ],
        ),
        of_bybit("linear", lambda rows: bybit.funding_history(rows, LATEST)),
    ),
    "bybit open interest": (
        bybit_body(
            "linear",
            [
                {"openInterest": "200.5", "singleOpenInterest": "100.25", "timestamp": str(time)}
                for time in TIMES
            ],
            nextPageCursor="",
        ),
        of_bybit("linear", lambda rows: bybit.open_interest(rows, "BTCUSDT", "1d", LATEST)),
    ),
    "bybit instruments": (
        bybit_body(
            "linear",
            [
                {"symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading",
                 "baseCoin": "BTC", "quoteCoin": "USDT", "settleCoin": "USDT",
                 "launchTime": "1585526400000", "fundingInterval": 480}
            ],
            nextPageCursor="from=1",
        ),
        of_bybit("linear", lambda rows: bybit.instruments_info(rows, "linear")),
    ),
    "bitstamp candles": (
        {
            "data": {
                "pair": "BTC/USD",
                "ohlc": [
                    {"timestamp": str(time // 1000), "open": "10.5", "high": "12.25",
                     "low": "9.125", "close": "11.75", "volume": "5.5"}
                    for time in TIMES
                ],
            }
        },
        lambda body: bitstamp.ohlc(body, "btcusd", 86_400, LATEST),
    ),
    "bitstamp markets": (
        [
            {"name": "BTC/USD", "market_symbol": "btcusd", "base_currency": "BTC",
             "counter_currency": "USD", "market_type": "SPOT", "trading": "Enabled"},
            {"name": "ETH/USD", "url_symbol": "ethusd", "trading": "Enabled"},
        ],
        bitstamp.markets,
    ),
    "gateio candles": (
        [
            [str(time // 1000), "50.5", "11.75", "12.25", "9.125", "10.5", "5.5", "true"]
            for time in TIMES
        ],
        lambda body: gateio.candlesticks(body, "BTC_USDT", "1d", LATEST),
    ),
    "gateio pairs": (
        [
            {"id": "BTC_USDT", "base": "BTC", "quote": "USDT", "trade_status": "tradable",
             "type": "normal"},
        ],
        gateio.currency_pairs,
    ),
    "futures funding": (
        [
            {"symbol": "BTCUSDT", "fundingRate": "0.000125", "fundingTime": time + 3,
             "markPrice": "34287.546"}
            for time in TIMES
        ],
        lambda body: futures.funding_rate(body, LATEST),
    ),
    "futures open interest": (
        [
            {"symbol": "BTCUSDT", "sumOpenInterest": "20403.637", "timestamp": time,
             "sumOpenInterestValue": "150570784.078", "CMCCirculatingSupply": "165880.538"}
            for time in TIMES
        ],
        lambda body: futures.open_interest_hist(body, "1d", LATEST),
    ),
    "futures contracts": (
        {
            "symbols": [
                {"symbol": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING",
                 "baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT",
                 "onboardDate": 1569398400000}
            ]
        },
        futures.exchange_info,
    ),
    "futures intervals": (
        [
            {"symbol": "ABCUSDT", "adjustedFundingRateCap": "0.02", "fundingIntervalHours": 4,
             "adjustedFundingRateFloor": "-0.02"}
        ],
        futures.funding_info,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_the_good_bodies_are_read_whole(name: str) -> None:
    body, parse = BODIES[name]
    parsed = outcome(parse, body)
    assert parsed is not None
    assert parsed.refused == ()
    assert parsed.row_count > 0


@pytest.mark.parametrize("name", BODIES)
@FUZZ
@given(data=st.data())
def test_damage_is_refused_or_reported(name: str, data: st.DataObject) -> None:
    body, parse = BODIES[name]
    received = data.draw(damaged(copy.deepcopy(body)))
    parsed = outcome(parse, received)
    numbers = numbers_in(received)
    for row in parsed.rows.to_pylist() if parsed else ():
        for cell in row.values():
            if isinstance(cell, Decimal):
                digits = cell.quantize(Decimal("1e-18"), context=WIDE)
                assert digits in numbers, f"nobody sent {cell}: {row}"


CELLS = {"open_time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume_base": 5}


@pytest.mark.parametrize(("name", "quote"), [("okx candles", 7), ("bybit candles", 6)])
@FUZZ
@given(data=st.data())
def test_a_candle_is_never_put_together_from_two(
    name: str, quote: int, data: st.DataObject
) -> None:
    body, parse = BODIES[name]
    received = data.draw(damaged(copy.deepcopy(body)))
    parsed = outcome(parse, received)
    if parsed is None:
        return
    rows = received["data"] if name.startswith("okx") else received["result"]["list"]
    says_nothing_new(parsed, rows, {**CELLS, "volume_quote": quote})


@FUZZ
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "data", "result", "list", "retCode", "symbols", "ohlc"]),
                inner,
                max_size=3,
            )
        ),
    )
)
def test_any_body_is_reported(body: Any) -> None:  # fmt: skip
    for _, parse in BODIES.values():
        outcome(parse, json.loads(json.dumps(body)))
