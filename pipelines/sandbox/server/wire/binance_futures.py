"""Binance USD-margined futures: contracts, funding, open interest."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from starlette.requests import Request

from pipelines.sandbox.server import perpetuals
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.perpetuals import HOUR_MS, amount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State
from pipelines.sandbox.server.wire import binance

NAME = "binance_futures"
FUNDING_DEFAULT, FUNDING_RECENT, FUNDING_MAX = 100, 200, 1000
INTEREST_DEFAULT, INTEREST_MAX = 30, 500
INTEREST_REACH_MS = 30 * 86_400_000
PERIOD_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": 24 * HOUR_MS,
}
_USUAL_HOURS = 8
_PERPETUAL_DELIVERY = 4_133_404_800_000
# how late a settlement is printed, in milliseconds, one after the other
_JITTER_MS = (0, 0, 1, 0, 3, 0, 7)

_FUNDING = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="markPrice",
    column="fundingRate",
)
_INTEREST = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="sumOpenInterest",
    column="sumOpenInterest",
)
_SYMBOLS = Shape(
    rows=lambda body: body["symbols"],
    rebuild=lambda body, rows: {**body, "symbols": rows},
    price="pricePrecision",
    column="baseAsset",
)


class _BadRequest(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply({"code": code, "msg": message}, status=400)


def exchange_info(state: State, _: Request) -> Reply:
    """Answer `/fapi/v1/exchangeInfo`: perpetuals; a delisted one is being settled."""
    symbols = [_symbol(contract) for contract in perpetuals.contracts(state, NAME).values()]
    return Reply(
        {
            "timezone": "UTC",
            "serverTime": state.now_us // 1000,
            "futuresType": "U_MARGINED",
            "rateLimits": [
                {
                    "rateLimitType": "REQUEST_WEIGHT",
                    "interval": "MINUTE",
                    "intervalNum": 1,
                    "limit": 2400,
                }
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
            "symbols": symbols,
        },
        shape=_SYMBOLS,
    )


def _symbol(contract: perpetuals.Contract) -> dict[str, Any]:
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_DELIVERY,
        "onboardDate": (contract.listed_day.toordinal() - 719_163) * 24 * HOUR_MS,
        "status": "SETTLING" if contract.is_delisted else "TRADING",
        "baseAsset": contract.base_code,
        "quoteAsset": contract.quote_code,
        "marginAsset": contract.quote_code,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "filters": [],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK"],
    }


def funding_rate(state: State, request: Request) -> Reply:
    """Answer `/fapi/v1/fundingRate`: settlements, oldest first, late by some milliseconds."""
    try:
        return Reply(_funding(state, request.query_params), shape=_FUNDING)
    except _BadRequest as problem:
        return problem.reply


def _funding(state: State, query: Mapping[str, str]) -> list[dict[str, Any]]:
    start, end = _instant(query, "startTime"), _instant(query, "endTime")
    unbounded = start is None and end is None
    limit = _limit(query, FUNDING_RECENT if unbounded else FUNDING_DEFAULT, FUNDING_MAX)
    listed = perpetuals.contracts(state, NAME)
    if query.get("symbol", next(iter(listed), "")) not in listed:
        raise _BadRequest(-1121, "Invalid symbol.")
    chosen = [query["symbol"]] if "symbol" in query else list(listed)
    rows = [row for symbol in chosen for row in _settlements(state, symbol)]
    rows.sort(key=lambda row: row["fundingTime"])
    rows = [
        row
        for row in rows
        if (start is None or row["fundingTime"] >= start)
        and (end is None or row["fundingTime"] <= end)
    ]
    # with a start the oldest rows are given, without one the newest
    return rows[:limit] if start is not None else rows[-limit:]


def _settlements(state: State, symbol: str) -> list[dict[str, Any]]:
    series = perpetuals.funding(state, NAME, symbol)
    if series is None:
        return []

    def rendered() -> list[dict[str, Any]]:
        rows = []
        for position in series.between(state.now_us, None, None).tolist():
            time = int(series.versions.keys[position])
            mark = float(series.values["mark_price"][position])
            rows.append(
                {
                    "symbol": symbol,
                    "fundingTime": time + _JITTER_MS[time // HOUR_MS % len(_JITTER_MS)],
                    "fundingRate": amount(float(series.values["rate"][position])),
                    "markPrice": "" if isnan(mark) else amount(mark),
                }
            )
        return rows

    return state.cached((NAME, "settlements", symbol), rendered)


def funding_info(state: State, _: Request) -> Reply:
    """Answer `/fapi/v1/fundingInfo`: contracts whose interval is not 8 hours."""
    rows = []
    for symbol in perpetuals.contracts(state, NAME):
        times = [row["fundingTime"] for row in _settlements(state, symbol)[-2:]]
        hours = round((times[1] - times[0]) / HOUR_MS) if len(times) == 2 else _USUAL_HOURS
        if hours != _USUAL_HOURS:
            rows.append(
                {
                    "symbol": symbol,
                    "adjustedFundingRateCap": "0.02000000",
                    "adjustedFundingRateFloor": "-0.02000000",
                    "fundingIntervalHours": hours,
                    "disclaimer": False,
                }
            )
    return Reply(rows)


def open_interest_hist(state: State, request: Request) -> Reply:
    """Answer `/futures/data/openInterestHist`: of the newest 30 days, oldest first."""
    try:
        return Reply(_interest(state, request.query_params), shape=_INTEREST)
    except _BadRequest as problem:
        return problem.reply


def _interest(state: State, query: Mapping[str, str]) -> list[dict[str, Any]]:
    symbol, period = query.get("symbol", ""), PERIOD_MS.get(query.get("period", ""))
    start, end = _instant(query, "startTime"), _instant(query, "endTime")
    limit = _limit(query, INTEREST_DEFAULT, INTEREST_MAX)
    oldest = state.now_us // 1000 - INTEREST_REACH_MS
    if symbol not in perpetuals.contracts(state, NAME):
        raise _BadRequest(-1121, "Invalid symbol.")
    if period is None:
        raise _BadRequest(-1130, "parameter 'period' is invalid.")
    if start is not None and start < oldest:
        raise _BadRequest(-1130, "parameter 'startTime' is invalid.")
    series = perpetuals.open_interest(state, NAME, symbol)
    if series is None:
        return []
    positions = series.between(state.now_us, max(oldest, start or 0), end)
    positions = positions[series.versions.keys[positions] % period == 0]
    rows = []
    for position in positions[-limit:].tolist():
        contracts = float(series.values["open_interest"][position])
        value = float(series.values["open_interest_value"][position])
        rows.append(
            {
                "symbol": symbol,
                "sumOpenInterest": amount(contracts),
                "sumOpenInterestValue": amount(0.0 if isnan(value) else value),
                "CMCCirculatingSupply": "0",
                "timestamp": int(series.versions.keys[position]),
            }
        )
    return rows


def _instant(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is not None and not value.isdigit():
        message = (
            f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        )
        raise _BadRequest(-1100, message)
    return None if value is None else int(value)


def _limit(query: Mapping[str, str], default: int, most: int) -> int:
    value = query.get("limit", str(default))
    if not value.isdigit() or int(value) < 1:
        raise _BadRequest(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(int(value), most)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/fapi/v1/exchangeInfo": exchange_info,
        "/fapi/v1/fundingRate": funding_rate,
        "/fapi/v1/fundingInfo": funding_info,
        "/futures/data/openInterestHist": open_interest_hist,
    },
    limit=Limit(500, 300),
    throttled=binance.throttled,
    failed=binance.failed,
    examples=perpetuals.of_first_contract(
        NAME, ("/fapi/v1/fundingRate?symbol={}&limit=5", "Binance futures: funding")
    ),
)
