"""Gate.io spot: `/api/v4/spot/candlesticks` and `/api/v4/spot/currency_pairs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.extraction.candles import INTERVAL_S
from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import CandleSeries, State

NAME = "gateio"
# those that it has itself; a recording may have others
INTERVALS = ("1s", "10s", "1m", "5m", "15m", "30m", "1h", "4h", "8h", "1d", "7d", "30d")
DEFAULT_LIMIT, MAX_POINTS, REACH_POINTS = 100, 1000, 10_000

_ROWS = Shape(rows=lambda body: body, rebuild=lambda _, rows: rows, price=2, column=5, enum=7)
_PAIRS = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="min_quote_amount",
    column="base",
    enum="trade_status",
)


def _refused(label: str, message: str, status: int = 400) -> Reply:
    return Reply({"label": label, "message": message}, status)


def _invalid(message: str) -> Reply:
    return _refused("INVALID_PARAM_VALUE", message)


def candlesticks(state: State, request: Request) -> Reply:
    """Answer `/spot/candlesticks`: arrays of texts, oldest first, the running candle too."""
    query = request.query_params
    pair, interval = query.get("currency_pair", ""), query.get("interval", "30m")
    if not pair:
        return _refused("MISSING_REQUIRED_PARAM", "Missing required parameter: currency_pair")
    if pair not in state.listings(NAME):
        base, mark, _ = pair.partition("_")
        if mark:
            return _refused("INVALID_CURRENCY", f"Invalid currency {base}")
        return _refused("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair}")
    series = state.candles(NAME, pair, interval)
    if series is None and interval not in INTERVALS:
        return _invalid(f"Invalid request parameter `interval` value: {interval}")
    for name in ("limit", "from", "to"):
        if not query.get(name, "0").isdigit():
            return _invalid(f"Invalid request parameter `{name}` value: {query[name]}")
    is_window = "from" in query or "to" in query
    limit = int(query.get("limit", DEFAULT_LIMIT))
    if ("limit" in query and is_window) or not 1 <= limit <= MAX_POINTS:
        return _invalid(f"Invalid request parameter `limit` value: {limit}")
    length_s = INTERVAL_S.get(interval, 0)
    now_s = state.now_us // 1_000_000
    last = int(query.get("to", now_s))
    first = int(query.get("from", last - (limit - 1) * length_s))
    if series is None:
        return Reply([], shape=_ROWS)
    # both ends count
    if last - first >= MAX_POINTS * length_s:
        return _invalid(
            f"Candlestick range too broad. Maximum {MAX_POINTS} data points are allowed per request"
        )
    if is_window and first < now_s - REACH_POINTS * length_s:
        return _invalid(f"Candlestick too long ago. Maximum {REACH_POINTS} points ago are allowed")
    return Reply(_page(state, series, first, last), shape=_ROWS)


def _page(state: State, series: CandleSeries, first: int, last: int) -> list[Any]:
    positions = series.versions.at(state.now_us)
    opens = series.versions.keys[positions]
    wanted = positions[(opens > first - series.length_s) & (opens <= last)]
    rows = series.rows(NAME, wanted, lambda columns: render(columns, series.decimals, "true"))
    running = series.running(state.now_us)
    if running is not None and first - series.length_s < running.open_s <= last:
        columns = {name: np.array([value]) for name, value in vars(running).items()}
        rows += render(columns, series.decimals, "false")
    return rows


def render(columns: Mapping[str, Any], decimals: int, is_closed: str) -> Sequence[Any]:
    """Return candles as Gate.io prints them: eight texts, the quote's volume before the prices."""
    prices = [
        [f"{value:.{decimals}f}" for value in columns[name].tolist()]
        for name in ("close", "high", "low", "open")
    ]
    volumes = [
        [f"{value:.8f}" for value in columns[name].tolist()]
        for name in ("volume_quote", "volume_base")
    ]
    return [
        list(row)
        for row in zip(
            [str(open_s) for open_s in columns["open_s"].tolist()],
            volumes[0],
            *prices,
            volumes[1],
            [is_closed] * len(volumes[0]),
            strict=True,
        )
    ]


def currency_pairs(state: State, _: Request) -> Reply:
    """Answer `/spot/currency_pairs`."""
    rows = [
        {
            "id": listing.symbol,
            "base": listing.base_code,
            "base_name": listing.base_code,
            "quote": listing.quote_code,
            "quote_name": listing.quote_code,
            "fee": "0.2",
            "min_base_amount": "0.001",
            "min_quote_amount": "3",
            "max_quote_amount": "5000000",
            "amount_precision": 6,
            "precision": 4,
            "trade_status": "untradable" if listing.is_delisted else "tradable",
            "sell_start": 0,
            "buy_start": 0,
            "delisting_time": 0,
            "type": "normal",
        }
        for listing in state.listings(NAME).values()
    ]
    return Reply(rows, shape=_PAIRS)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/api/v4/spot/candlesticks": candlesticks,
        "/api/v4/spot/currency_pairs": currency_pairs,
    },
    limit=Limit(200, 10),
    throttled=lambda message: _refused(
        "TOO_MANY_REQUESTS", message or "Request Rate Limit Exceeded (003)", 429
    ),
    failed=lambda message: {"label": "SERVER_ERROR", "message": message or "Internal error"},
    examples=of_first_market(
        NAME,
        ("/api/v4/spot/candlesticks?currency_pair={}&interval=1d&limit=5", "Gate.io: candles"),
        ("/api/v4/spot/currency_pairs", "Gate.io: the list of pairs"),
    ),
)
