"""Coinbase Exchange: `/products`, `/products/{id}`, `/products/{id}/candles`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server.mount import Limit, Mount, of_first_market
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import NAME_OF_S, CandleSeries, Listing, State

NAME = "coinbase"
GRANULARITIES = frozenset((60, 300, 900, 3600, 21600, 86400))
# first to last bucket: 300 steps are 301 rows, and are still answered
MAX_STEPS = 300
UNRANGED_ROWS = 350

_ROWS = Shape(rows=lambda body: body, rebuild=lambda _, rows: rows, price=4, column=1)
_PRODUCTS = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="quote_increment",
    column="base_currency",
    enum="status",
)


def _problem(message: str, status: int = 400) -> Reply:
    return Reply({"message": message}, status=status)


def candles(state: State, request: Request) -> Reply:
    """Answer `/products/{id}/candles`: arrays of 6, newest first; silent buckets are left out."""
    product_id = request.path_params["product_id"]
    if product_id not in state.listings(NAME):
        return _problem("NotFound", 404)
    query = request.query_params
    granularity = query.get("granularity", "60")
    if not granularity.isdigit():
        return _problem("Unsupported granularity")
    length_s = int(granularity)
    series = state.candles(NAME, product_id, NAME_OF_S.get(length_s))
    if series is None and length_s not in GRANULARITIES:
        return _problem("Unsupported granularity")
    bounds: tuple[float, float] | None = None
    if "start" in query and "end" in query:
        start, end = _instant(query["start"]), _instant(query["end"])
        if start is None or end is None:
            return _problem("Invalid start or end; expected ISO 8601")
        if start > end:
            return _problem("start must be before end")
        if (end - start) / length_s > MAX_STEPS:
            return _problem(
                "granularity too small for the requested time range. "
                "Count of aggregations requested exceeds 300"
            )
        bounds = (start, end)
    return Reply(_rows(state, series, bounds), shape=_ROWS)


def _instant(text: str) -> float | None:
    if text.isdigit():
        return float(text)
    try:
        # a plus sign in an unescaped query arrives as a blank
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _rows(
    state: State, series: CandleSeries | None, bounds: tuple[float, float] | None
) -> list[Any]:
    if series is None:
        return []
    rendered = series.rendered(NAME, render)
    positions = series.versions.at(state.now_us)
    opens = series.versions.keys[positions]
    if bounds is not None:
        inside = (opens >= bounds[0]) & (opens <= bounds[1])
        positions = positions[inside]
    rows = [rendered[position] for position in positions.tolist()]
    running = series.running(state.now_us)
    if running is not None and (bounds is None or bounds[0] <= running.open_s <= bounds[1]):
        rows += render({name: np.array([value]) for name, value in vars(running).items()})
    rows = [row for row in reversed(rows) if row[5] > 0]
    return rows if bounds is not None else rows[:UNRANGED_ROWS]


def render(columns: Mapping[str, Any]) -> Sequence[Any]:
    """Return candles as Coinbase prints them: low and high before open and close, JSON numbers."""
    names = ("open_s", "low", "high", "open", "close", "volume_base")
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


def products(state: State, _: Request) -> Reply:
    """Answer `/products`: every product ever listed; a delisted one says so."""
    found = state.cached((NAME, "products"), lambda: _products(state))
    return Reply(list(found.values()), shape=_PRODUCTS)


def product(state: State, request: Request) -> Reply:
    """Answer `/products/{id}`."""
    found = state.cached((NAME, "products"), lambda: _products(state))
    product_id = request.path_params["product_id"]
    return Reply(found[product_id]) if product_id in found else _problem("NotFound", 404)


def _products(state: State) -> dict[str, dict[str, Any]]:
    found = {
        symbol: _product(state, symbol, listing) for symbol, listing in state.listings(NAME).items()
    }
    if "BTC-USD" in found:
        # a book of its own under another id with the same currencies: ids are keys, pairs are not
        auction = {"id": "BTCAUCTION-USD", "display_name": "BTCAUCTION/USD", "auction_mode": True}
        found["BTCAUCTION-USD"] = found["BTC-USD"] | auction
    return found


def _product(state: State, symbol: str, listing: Listing) -> dict[str, Any]:
    series = state.candles(NAME, symbol, "1d")
    delisted = listing.is_delisted
    return {
        "id": symbol,
        "base_currency": listing.base_code,
        "quote_currency": listing.quote_code,
        "quote_increment": f"{10.0 ** -(series.decimals if series else 2):.10f}".rstrip("0"),
        "base_increment": "0.00000001",
        "display_name": f"{listing.base_code}/{listing.quote_code}",
        "min_market_funds": "1",
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": listing.status or ("delisted" if delisted else "online"),
        "status_message": "",
        "trading_disabled": delisted,
        "fx_stablecoin": listing.base_class == "stablecoin",
        "max_slippage_percentage": "0.02000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


MOUNT = Mount(
    name=NAME,
    handlers={
        "/products": products,
        "/products/{product_id}": product,
        "/products/{product_id}/candles": candles,
    },
    limit=Limit(15, 1.5),
    throttled=lambda message: Reply({"message": message or "Public rate limit exceeded"}, 429),
    examples=of_first_market(
        NAME,
        ("/products/{}/candles?granularity=86400", "Coinbase: daily candles"),
        ("/products", "Coinbase: the list of products"),
    ),
)
