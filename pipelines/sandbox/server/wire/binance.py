"""Binance spot: `/api/v3/klines`, `/api/v3/exchangeInfo`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import Candle, CandleSeries, Listing, State

NAME = "binance"
DEFAULT_LIMIT, MAX_LIMIT = 500, 1000
INTERVALS = frozenset((
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
    "1M",
))  # fmt: skip
WEIGHTS = {"/api/v3/klines": 2, "/api/v3/exchangeInfo": 20}
_MICROSECONDS = "MICROSECOND"
_FIRST_MICROSECOND = 10**15

_ROWS = Shape(rows=lambda body: body, rebuild=lambda _, rows: rows, price=4, column=1)
_SYMBOLS = Shape(
    rows=lambda body: body["symbols"],
    rebuild=lambda body, rows: {**body, "symbols": rows},
    price="baseAssetPrecision",
    column="baseAsset",
    enum="status",
)


class _BadRequest(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply({"code": code, "msg": message}, status=400)


def klines(state: State, request: Request) -> Reply:
    """Answer `/api/v3/klines`: arrays of 12, oldest first, the running candle last."""
    try:
        return _klines(state, request)
    except _BadRequest as problem:
        return problem.reply


def _klines(state: State, request: Request) -> Reply:
    query = request.query_params
    symbol = _mandatory(query, "symbol")
    interval = _mandatory(query, "interval")
    start_ms, end_ms = _instant(query, "startTime"), _instant(query, "endTime")
    limit = _limit(query)
    if query.get("timeZone", "0") not in ("0", "00:00", "+00:00"):
        raise _BadRequest(-1130, "Data sent for parameter 'timeZone' is not valid.")
    if symbol not in state.listings(NAME):
        raise _BadRequest(-1121, "Invalid symbol.")
    if interval not in INTERVALS:
        raise _BadRequest(-1120, "Invalid interval.")
    series = state.candles(NAME, symbol, interval)
    rows = [] if series is None else _page(state, series, start_ms, end_ms, limit)
    if request.headers.get("x-mbx-time-unit", "").upper() == _MICROSECONDS:
        rows = [(row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]) for row in rows]
    return Reply(rows, shape=_ROWS)


def _mandatory(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if value is None:
        raise _BadRequest(
            -1102,
            f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
        )
    if not value:
        raise _BadRequest(-1105, f"Parameter '{name}' was empty.")
    if not all(character.isalnum() or character in "-_." for character in value):
        raise _illegal(name, "^[\\w\\-._&&[^a-z]]{1,50}$")
    return value


def _illegal(name: str, legal: str) -> _BadRequest:
    return _BadRequest(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def _instant(query: Mapping[str, str], name: str) -> int | None:
    """Return a time in milliseconds; microseconds are accepted too."""
    value = query.get(name)
    if value is None:
        return None
    if not value.isdigit():
        raise _illegal(name, "^[0-9]{1,20}$")
    number = int(value)
    return number // 1000 if number >= _FIRST_MICROSECOND else number


def _limit(query: Mapping[str, str]) -> int:
    value = query.get("limit", str(DEFAULT_LIMIT))
    if not value.isdigit():
        raise _illegal("limit", "^[0-9]{1,20}$")
    if int(value) == 0:
        raise _BadRequest(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(int(value), MAX_LIMIT)


def _page(
    state: State, series: CandleSeries, start_ms: int | None, end_ms: int | None, limit: int
) -> list[Any]:
    positions = series.versions.at(state.now_us)
    opens_ms = series.versions.keys[positions] * 1000
    first = 0 if start_ms is None else int(np.searchsorted(opens_ms, start_ms))
    stop = (
        len(positions) if end_ms is None else int(np.searchsorted(opens_ms, end_ms, side="right"))
    )
    # with a start the oldest rows are given, without one the newest
    wanted = positions[first:stop]
    wanted = wanted[:limit] if start_ms is not None else wanted[-limit:]
    rows = series.rows(NAME, wanted, lambda columns: render(columns, series.length_s))
    running = series.running(state.now_us)
    if running is not None and _inside(running.open_s * 1000, start_ms, end_ms):
        rows.append(render_one(running, series.length_s))
    return rows[:limit] if start_ms is not None else rows[-limit:]


def _inside(open_ms: int, start_ms: int | None, end_ms: int | None) -> bool:
    return (start_ms is None or open_ms >= start_ms) and (end_ms is None or open_ms <= end_ms)


def render_one(candle: Candle, length_s: int) -> Any:
    """Return one candle as Binance prints it."""
    columns = {name: np.array([value]) for name, value in vars(candle).items()}
    return render(columns, length_s)[0]


def render(columns: Mapping[str, Any], length_s: int) -> Sequence[Any]:
    """Return candles as Binance prints them: twelve cells, numbers as text of eight decimals.

    The taker's part is not in the dataset: it is more than half where the close is high in the
    candle's range.
    """
    spread = columns["high"] - columns["low"]
    place = (columns["close"] - columns["low"]) / np.where(spread > 0, spread, 1)
    taker = np.where(spread > 0, 0.45 + 0.1 * place, 0.5)
    open_ms = columns["open_s"] * 1000
    texts = [
        [f"{value:.8f}" for value in values.tolist()]
        for values in (
            columns["open"],
            columns["high"],
            columns["low"],
            columns["close"],
            columns["volume_base"],
            columns["volume_quote"],
            columns["volume_base"] * taker,
            columns["volume_quote"] * taker,
        )
    ]
    opened, high, low, close, base, quote, taker_base, taker_quote = texts
    return list(
        zip(
            open_ms.tolist(),
            opened,
            high,
            low,
            close,
            base,
            (open_ms + length_s * 1000 - 1).tolist(),
            quote,
            columns["trades"].tolist(),
            taker_base,
            taker_quote,
            ["0"] * len(open_ms),
            strict=True,
        )
    )


def exchange_info(state: State, request: Request) -> Reply:
    """Answer `/api/v3/exchangeInfo`: every pair ever listed; a delisted one has status BREAK."""
    symbols = state.cached(
        (NAME, "symbols"),
        lambda: {
            symbol: _symbol(state, listing) for symbol, listing in state.listings(NAME).items()
        },
    )
    query = request.query_params
    chosen = list(symbols.values())
    wanted: list[str] | None = None
    if "symbol" in query:
        wanted = [query["symbol"]]
    elif "symbols" in query:
        try:
            wanted = [str(symbol) for symbol in json.loads(query["symbols"])]
        except (json.JSONDecodeError, TypeError):
            return _illegal("symbols", '^\\[("[A-Z0-9-_.]{1,20}"(,...)*)?\\]$').reply
    if wanted is not None:
        if not all(symbol in symbols for symbol in wanted):
            return _BadRequest(-1121, "Invalid symbol.").reply
        chosen = [symbols[symbol] for symbol in wanted]
    if "symbolStatus" in query:
        chosen = [symbol for symbol in chosen if symbol["status"] == query["symbolStatus"]]
    return Reply(
        {
            "timezone": "UTC",
            "serverTime": state.now_us // 1000,
            "rateLimits": [
                _rate("REQUEST_WEIGHT", "MINUTE", 1, 6000),
                _rate("ORDERS", "SECOND", 10, 100),
                _rate("ORDERS", "DAY", 1, 200_000),
                _rate("RAW_REQUESTS", "MINUTE", 5, 61_000),
            ],
            "exchangeFilters": [],
            "symbols": chosen,
        },
        shape=_SYMBOLS,
    )


def _rate(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _symbol(state: State, listing: Listing) -> dict[str, Any]:
    series = state.any_candles(NAME, listing.symbol)
    tick = f"{10.0 ** -(series.decimals if series else 8):.8f}"
    trading = listing.status or ("BREAK" if listing.is_delisted else "TRADING")
    return {
        "symbol": listing.symbol,
        "status": trading,
        "baseAsset": listing.base_code,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote_code,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": trading == "TRADING",
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": "0.00001000",
                "maxQty": "900000.00000000",
                "stepSize": "0.00001000",
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def throttled(message: str) -> Reply:
    """Refuse what is over the limit; contracts are refused in the same words."""
    limit = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
    return Reply({"code": -1003, "msg": message or limit}, 429)


def failed(message: str) -> Any:
    """Return the body of an error."""
    return {"code": -1000, "msg": message or "An unknown error occurred."}


def _meter(limit: Limit, used: float, wait_s: float) -> Mapping[str, str]:  # noqa: ARG001
    return {"X-MBX-USED-WEIGHT": f"{used:g}", "X-MBX-USED-WEIGHT-1M": f"{used:g}"}


MOUNT = Mount(
    name=NAME,
    handlers={"/api/v3/klines": klines, "/api/v3/exchangeInfo": exchange_info},
    weights=WEIGHTS,
    limit=Limit(6000, 60),
    throttled=throttled,
    failed=failed,
    meter=_meter,
    examples=of_first_market(
        NAME,
        ("/api/v3/klines?symbol={}&interval=1d&limit=5", "Binance: daily candles"),
        ("/api/v3/exchangeInfo", "Binance: the list of pairs"),
    ),
)
