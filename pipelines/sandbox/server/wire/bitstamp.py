"""Bitstamp: `/api/v2/ohlc/{market}/`, `/api/v2/markets/` and the list that it replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import NAME_OF_S, CandleSeries, Listing, State

NAME = "bitstamp"
STEPS = frozenset((
    60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 259200,
))  # fmt: skip
MAX_LIMIT = 1000

_ROWS = Shape(
    rows=lambda body: body["data"]["ohlc"],
    rebuild=lambda body, rows: {**body, "data": {**body["data"], "ohlc": rows}},
    price="close",
    column="open",
)
_MARKETS = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="minimum_order_value",
    column="base_currency",
)


def _refused(field: str, message: str) -> Reply:
    errors = [{"field": field, "message": message, "code": "validation_error"}]
    return Reply({"code": "validation_error", "errors": errors}, status=400)


def ohlc(state: State, request: Request) -> Reply:
    """Answer `/ohlc/{market}/`: objects of texts, oldest first."""
    query = request.query_params
    listing = state.listings(NAME).get(request.path_params["market"])
    if listing is None:
        return Reply({"code": "not_found", "errors": []}, status=404)
    step, limit = query.get("step", ""), query.get("limit", "")
    if not step.isdigit():
        return _refused("step", "Invalid step.")
    series = state.candles(NAME, listing.symbol, NAME_OF_S.get(int(step)))
    if series is None and int(step) not in STEPS:
        return _refused("step", "Invalid step.")
    if not limit.isdigit() or not 1 <= int(limit) <= MAX_LIMIT:
        return _refused("limit", "Ensure this value is between 1 and 1000.")
    for name in ("start", "end"):
        if not query.get(name, "0").isdigit():
            return _refused(name, "Enter a valid integer.")
    name = f"{listing.base_code}/{listing.quote_code}"
    rows = [] if series is None else _page(state, series, query, int(limit))
    return Reply({"data": {"pair": name, "market": name, "ohlc": rows}}, shape=_ROWS)


def _page(
    state: State, series: CandleSeries, query: Mapping[str, str], limit: int
) -> list[dict[str, str]]:
    positions = series.versions.at(state.now_us)
    opens = series.versions.keys[positions]
    # with both the end counts
    start = int(query["start"]) if "start" in query and "end" not in query else None
    end = int(query["end"]) if "end" in query else None
    if start is not None:
        wanted = positions[opens >= start][:limit]
    else:
        wanted = (positions if end is None else positions[opens <= end])[-limit:]
    decimals = max(series.decimals, 2)
    rows = series.rows(NAME, wanted, lambda columns: render(columns, decimals))
    running = series.running(state.now_us)
    if running is None or query.get("exclude_current_candle", "").lower() == "true":
        return rows
    if (start is None or running.open_s >= start) and (end is None or running.open_s <= end):
        columns = {name: np.array([value]) for name, value in vars(running).items()}
        rows += render(columns, decimals)
    return rows[:limit] if start is not None else rows[-limit:]


def render(columns: Mapping[str, Any], decimals: int) -> Sequence[Any]:
    """Return candles as Bitstamp prints them: objects, everything text."""
    names = ("open", "high", "low", "close")
    texts = [[f"{value:.{decimals}f}" for value in columns[name].tolist()] for name in names]
    volumes = [f"{value:.8f}" for value in columns["volume_base"].tolist()]
    return [
        {
            "timestamp": str(open_s),
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
        }
        for open_s, opened, high, low, close, volume in zip(
            columns["open_s"].tolist(), *texts, volumes, strict=True
        )
    ]


def markets(state: State, _: Request) -> Reply:
    """Answer `/markets/`."""
    rows = [
        {
            "name": f"{listing.base_code}/{listing.quote_code}",
            "market_symbol": listing.symbol,
            "base_currency": listing.base_code,
            "base_decimals": 8,
            "counter_currency": listing.quote_code,
            "counter_decimals": 2,
            "minimum_order_value": "10",
            "maximum_order_value": "5000000",
            "trading": "Disabled" if listing.is_delisted else "Enabled",
            "instant_order_counter_decimals": 2,
            "instant_and_market_orders": "Enabled",
            "description": f"{listing.base_code} / {listing.quote_code}",
            "market_type": "SPOT",
        }
        for listing in _listed(state)
    ]
    return Reply(rows, shape=_MARKETS)


def trading_pairs_info(state: State, _: Request) -> Reply:
    """Answer `/trading-pairs-info/`, the older list."""
    rows = [
        {
            "trading": "Disabled" if listing.is_delisted else "Enabled",
            "base_decimals": 8,
            "url_symbol": listing.symbol,
            "name": f"{listing.base_code}/{listing.quote_code}",
            "instant_and_market_orders": "Enabled",
            "minimum_order": f"10.0 {listing.quote_code}",
            "counter_decimals": 2,
            "description": f"{listing.base_code} / {listing.quote_code}",
        }
        for listing in _listed(state)
    ]
    return Reply(rows, shape=None)


def _listed(state: State) -> list[Listing]:
    return list(state.listings(NAME).values())


def _throttled(message: str) -> Reply:
    reason = message or "Request rate limit exceeded"
    return Reply({"status": "error", "reason": reason, "response_code": "400.002"}, 400)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/api/v2/ohlc/{market}/": ohlc,
        "/api/v2/markets/": markets,
        "/api/v2/trading-pairs-info/": trading_pairs_info,
    },
    limit=Limit(10_000, 600),
    throttled=_throttled,
    examples=of_first_market(NAME, ("/api/v2/ohlc/{}/?step=86400&limit=5", "Bitstamp: candles")),
)
