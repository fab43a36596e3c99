"""Bybit: candles, funding, open interest, instruments. Errors come with HTTP 200."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import perpetuals
from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape, text
from pipelines.sandbox.server.state import NAME_OF_S, CandleSeries, Listing, State

NAME = "bybit"
INTERVALS = frozenset((
    "1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M",
))  # fmt: skip
PERIOD_MS = {
    "5min": 300_000,
    "15min": 900_000,
    "30min": 1_800_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
# another than 8 hours is reported as minutes by the list of contracts
_USUAL_INTERVAL_MIN = 480

_ROWS = Shape(
    rows=lambda body: body["result"]["list"],
    rebuild=lambda body, rows: {**body, "result": {**body["result"], "list": rows}},
    price=4,
    column=1,
)
_FUNDING = Shape(_ROWS.rows, _ROWS.rebuild, price="fundingRate", column="fundingRate")
_INTEREST = Shape(_ROWS.rows, _ROWS.rebuild, price="openInterest", column="openInterest")
_INSTRUMENTS = Shape(
    _ROWS.rows, _ROWS.rebuild, price="priceScale", column="baseCoin", enum="contractType"
)  # fmt: skip


class _Refused(Exception):
    def __init__(self, message: str, code: int = 10001) -> None:
        super().__init__(message)
        self.code = code


def _answered(state: State, answer: Callable[[], tuple[dict[str, Any], Shape]]) -> Reply:
    rest = {"retExtInfo": {}, "time": state.now_us // 1000}
    try:
        result, shape = answer()
    except _Refused as problem:
        return Reply({"retCode": problem.code, "retMsg": str(problem), "result": {}, **rest})
    return Reply({"retCode": 0, "retMsg": "OK", "result": result, **rest}, shape=shape)


def kline(state: State, request: Request) -> Reply:
    """Answer `/market/kline`: seven texts, newest first; the default category is linear."""
    return _answered(state, lambda: _kline(state, request.query_params))


def _kline(state: State, query: Mapping[str, str]) -> tuple[dict[str, Any], Shape]:
    category = _category(query, "linear")
    symbol = _symbol(state, category, query)
    interval = query.get("interval", "")
    length_s = int(interval) * 60 if interval.isdigit() else {"D": 86_400}.get(interval, 0)
    series = None if category != "spot" else state.candles(NAME, symbol, NAME_OF_S.get(length_s))
    if series is None and interval not in INTERVALS:
        raise _Refused("Invalid period!")
    start, end = _instant(query, "start"), _instant(query, "end")
    limit = _limit(query, 200, 1000)
    rows = [] if series is None else _page(state, series, start, end, limit)
    return {"category": category, "symbol": symbol, "list": rows}, _ROWS


def _page(
    state: State, series: CandleSeries, start: int | None, end: int | None, limit: int
) -> list[Any]:
    """Return rows newest first: the start is floored to its bucket, the end is inclusive."""
    step = series.length_s * 1000
    lowest = None if start is None else start // step * step
    positions = series.versions.at(state.now_us)
    opens = series.versions.keys[positions] * 1000
    inside = np.ones(len(positions), dtype=bool)
    if lowest is not None:
        inside &= opens >= lowest
    if end is not None:
        inside &= opens <= end
    decimals = max(series.decimals, 1)
    rows = series.rows(NAME, positions[inside][-limit:], lambda columns: render(columns, decimals))
    running = series.running(state.now_us)
    if running is not None and (
        (lowest is None or running.open_s * 1000 >= lowest)
        and (end is None or running.open_s * 1000 <= end)
    ):
        columns = {name: np.array([value]) for name, value in vars(running).items()}
        rows += render(columns, decimals)
    return rows[::-1][:limit]


def render(columns: Mapping[str, Any], decimals: int) -> Sequence[Any]:
    """Return candles as Bybit prints them: seven texts; of a pair the turnover is the quote."""
    prices = [
        [f"{value:.{decimals}f}" for value in columns[name].tolist()]
        for name in ("open", "high", "low", "close")
    ]
    return [
        list(row)
        for row in zip(
            [str(open_s * 1000) for open_s in columns["open_s"].tolist()],
            *prices,
            [f"{value:.8f}" for value in columns["volume_base"].tolist()],
            [f"{value:.8f}" for value in columns["volume_quote"].tolist()],
            strict=True,
        )
    ]


def funding_history(state: State, request: Request) -> Reply:
    """Answer `/market/funding/history`: settlements, newest first; a start alone is an error."""
    return _answered(state, lambda: _funding(state, request.query_params))


def _funding(state: State, query: Mapping[str, str]) -> tuple[dict[str, Any], Shape]:
    category = _category(query, None)
    symbol = _symbol(state, category, query)
    start, end = _instant(query, "startTime"), _instant(query, "endTime")
    if start is not None and end is None:
        raise _Refused("params error: endTime is required when startTime is given")
    limit = _limit(query, 200, 200)
    series = perpetuals.funding(state, NAME, symbol)
    rows: list[Any] = []
    if series is not None:
        positions = series.between(state.now_us, start, end)
        rows = [
            {
                "symbol": symbol,
                "fundingRate": perpetuals.amount(float(series.values["rate"][position])),
                "fundingRateTimestamp": str(int(series.versions.keys[position])),
            }
            for position in positions[::-1][:limit].tolist()
        ]
    return {"category": category, "list": rows}, _FUNDING


def open_interest(state: State, request: Request) -> Reply:
    """Answer `/market/open-interest`: newest first, by cursor; a start alone is ignored."""
    return _answered(state, lambda: _open_interest(state, request.query_params))


def _open_interest(state: State, query: Mapping[str, str]) -> tuple[dict[str, Any], Shape]:
    category = _category(query, None)
    symbol = _symbol(state, category, query)
    period = PERIOD_MS.get(query.get("intervalTime", ""))
    if period is None:
        raise _Refused("params error: intervalTime is invalid")
    start, end = _instant(query, "startTime"), _instant(query, "endTime")
    limit = _limit(query, 50, 200)
    first = _cursor(query)
    rows: list[Any] = []
    cursor = ""
    series = perpetuals.open_interest(state, NAME, symbol)
    if series is not None:
        positions = series.between(state.now_us, start if end is not None else None, end)
        positions = positions[series.versions.keys[positions] % period == 0][::-1]
        for position in positions[first : first + limit].tolist():
            amount = float(series.values["open_interest"][position])
            rows.append(
                {
                    # of both sides: longs and shorts added
                    "openInterest": perpetuals.amount(2 * amount),
                    "singleOpenInterest": perpetuals.amount(amount),
                    "timestamp": str(int(series.versions.keys[position])),
                }
            )
        if first + limit < len(positions):
            cursor = f"from={first + limit}"
    result = {"symbol": symbol, "category": category, "list": rows, "nextPageCursor": cursor}
    return result, _INTEREST


def instruments_info(state: State, request: Request) -> Reply:
    """Answer `/market/instruments-info`: what is listed now; spot is not paged."""
    return _answered(state, lambda: _instruments(state, request.query_params))


def _instruments(state: State, query: Mapping[str, str]) -> tuple[dict[str, Any], Shape]:
    category = _category(query, None)
    if category == "spot":
        pairs = [_pair(listing) for listing in _pairs(state).values()]
        return {"category": category, "list": pairs, "nextPageCursor": ""}, _INSTRUMENTS
    limit, first = _limit(query, 500, 1000), _cursor(query)
    listed = [
        _contract(state, contract)
        for contract in perpetuals.contracts(state, NAME).values()
        if not contract.is_delisted
    ]
    cursor = f"from={first + limit}" if first + limit < len(listed) else ""
    page = listed[first : first + limit]
    return {"category": category, "list": page, "nextPageCursor": cursor}, _INSTRUMENTS


def _pairs(state: State) -> dict[str, Listing]:
    return {
        symbol: listing
        for symbol, listing in state.listings(NAME).items()
        if not listing.is_delisted
    }


def _pair(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "baseCoin": listing.base_code,
        "quoteCoin": listing.quote_code,
        "innovation": "0",
        "status": listing.status or "Trading",
        "marginTrading": "utaOnly",
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.00001"},
        "priceFilter": {"tickSize": "0.01"},
    }


def _contract(state: State, contract: perpetuals.Contract) -> dict[str, Any]:
    return {
        "symbol": contract.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": contract.base_code,
        "quoteCoin": contract.quote_code,
        "launchTime": str(
            (contract.listed_day.toordinal() - 719_163) * 86_400_000  # 1970-01-01's number
        ),
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001"},
        "unifiedMarginTrade": True,
        "fundingInterval": _interval_min(state, contract.symbol),
        "settleCoin": contract.quote_code,
    }


def _interval_min(state: State, symbol: str) -> int:
    series = perpetuals.funding(state, NAME, symbol)
    newest = [] if series is None else series.versions.at(state.now_us)[-2:].tolist()
    if series is None or len(newest) < 2:
        return _USUAL_INTERVAL_MIN
    before, last = (int(series.versions.keys[position]) for position in newest)
    return (last - before) // 60_000


def _category(query: Mapping[str, str], default: str | None) -> str:
    category = query.get("category", default or "")
    if category not in ("spot", "linear"):
        raise _Refused("Illegal category")
    return category


def _symbol(state: State, category: str, query: Mapping[str, str]) -> str:
    symbol = query.get("symbol", "")
    known = _pairs(state) if category == "spot" else perpetuals.contracts(state, NAME)
    if symbol not in known:
        raise _Refused("Not supported symbols")
    return symbol


def _instant(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is not None and not value.isdigit():
        raise _Refused(f"params error: {name} is invalid")
    return None if value is None else int(value)


def _limit(query: Mapping[str, str], default: int, most: int) -> int:
    value = query.get("limit", str(default))
    if not value.isdigit() or int(value) < 1:
        raise _Refused("params error: limit is invalid")
    return min(int(value), most)


def _cursor(query: Mapping[str, str]) -> int:
    start = query.get("cursor", "from=0").removeprefix("from=")
    if not start.isdigit():
        raise _Refused("params error: cursor is invalid")
    return int(start)


def _examples(state: State) -> Iterator[tuple[str, str]]:
    path, what = "/v5/market/kline?category=spot&symbol={}&interval=D", "Bybit: candles"
    yield from of_first_market(NAME, (path, what))(state)
    path, what = "/v5/market/funding/history?category=linear&symbol={}", "Bybit: funding"
    yield from perpetuals.of_first_contract(NAME, (path, what))(state)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/v5/market/kline": kline,
        "/v5/market/funding/history": funding_history,
        "/v5/market/open-interest": open_interest,
        "/v5/market/instruments-info": instruments_info,
    },
    limit=Limit(600, 5),
    throttled=lambda message: text(message or "access too frequent", 403),
    failed=lambda message: {"retCode": 10016, "retMsg": message or "Server error.", "result": {}},
    examples=_examples,
)
