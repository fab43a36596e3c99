"""DefiLlama coin prices: `/chart/{coins}`. An unknown coin is missing without a word."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S, clean
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State

NAME = "defillama_coins"
MAX_POINTS = 500
_UNITS_S = {"D": DAY_S, "H": 3_600, "M": 60, "W": 7 * DAY_S}
_PREFIX = "coingecko:"


def _first(body: dict[str, Any]) -> str | None:
    return next(iter(body["coins"]), None)


def _rows(body: dict[str, Any]) -> list[Any]:
    name = _first(body)
    return body["coins"][name]["prices"] if name else []


def _rebuild(body: dict[str, Any], rows: list[Any]) -> dict[str, Any]:
    name = _first(body)
    if name is None:
        return body
    coins = body["coins"]
    return {"coins": {**coins, name: {**coins[name], "prices": rows}}}


_CHART = Shape(rows=_rows, rebuild=_rebuild, price="price", column="price")


def _seconds(text: str) -> int:
    """Return a length such as 1d, 4h or a number of seconds."""
    unit = _UNITS_S.get(text[-1:].upper())
    return int(text[:-1]) * unit if unit else int(text)


def chart(state: State, request: Request) -> Reply:
    """Answer `/chart/{coins}`: for each instant asked for the nearest record, where one is near."""
    coins, query = request.path_params["coins"].split(","), request.query_params
    if "start" in query and "end" in query:
        return Reply({"message": "use either start or end parameter, not both"}, status=400)
    span, period = int(query.get("span", 1)), _seconds(query.get("period", "24h"))
    if len(coins) * span > MAX_POINTS:
        message = (
            f"Requested {len(coins) * span} data points, which exceeds the maximum of {MAX_POINTS}"
        )
        return Reply({"message": message}, status=400)
    width = _seconds(query.get("searchWidth", str(period // 10)))
    start = int(query.get("start", daily.now_s(state) - (span - 1) * period))
    if "end" in query:
        start = int(query["end"]) - (span - 1) * period
    asked = start + period * np.arange(span)
    found = {}
    table = daily.table(state, "coin_daily", ["coin"], ("price",))
    symbols = state.cached(
        (NAME, "symbols"),
        lambda: {row["coingecko_id"]: row["symbol"] for row in daily.rows(state, "assets")},
    )
    for name in coins:
        coin = name.removeprefix(_PREFIX)
        seen = table.seen(coin)
        if not name.startswith(_PREFIX) or not len(seen):
            continue
        # records are made some seconds before or after midnight
        jitter = (zlib.crc32(coin.encode()) + seen.days * 7_919) % 240 - 90
        times = (seen.days + 1) * DAY_S + jitter
        is_past = times <= daily.now_s(state)
        times, prices = times[is_past], seen.values["price"][is_past]
        right = np.searchsorted(times, asked)
        points: dict[int, Any] = {}
        for moment, place in zip(asked.tolist(), right.tolist(), strict=True):
            near = [position for position in (place - 1, place) if 0 <= position < len(times)]
            best = min(near, key=lambda position: abs(int(times[position]) - moment), default=None)
            if best is not None and abs(int(times[best]) - moment) <= width:
                points[int(times[best])] = clean(float(prices[best]))
        if points:
            found[name] = {
                "symbol": symbols.get(coin) or coin.upper(),
                "confidence": 0.99,
                "prices": [
                    {"timestamp": moment, "price": price}
                    for moment, price in sorted(points.items())
                ],
            }
    return Reply({"coins": found}, shape=_CHART)


MOUNT = Mount(name=NAME, handlers={"/chart/{coins}": chart}, limit=Limit(300, 60))
