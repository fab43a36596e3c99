"""CoinGecko: `/coins/markets`, `/coins/{id}/market_chart/range`, `/coins/categories`.

Markets and categories are as of the clock; charts go back a year and no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S, Seen, clean
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State

NAME = "coingecko"
MAX_PER_PAGE = 250
DEFAULT_PER_PAGE = 100
REACH_S = 365 * DAY_S
_DAILY_FROM_S = 90 * DAY_S
_HOUR_S = 3_600
_COLUMNS = (
    "price",
    "market_cap",
    "volume_24h",
    "circulating_supply",
    "total_supply",
    "max_supply",
)
_MARKETS = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="current_price",
    column="id",
)
_CHART = Shape(
    rows=lambda body: body["prices"],
    rebuild=lambda body, rows: {**body, "prices": rows},
    price=1,
    column=1,
)


def _error(message: str, status: int) -> Reply:
    return Reply({"error": message}, status=status)


def _coins(state: State) -> dict[str, Mapping[str, Any]]:
    """Return the assets that CoinGecko knows, by its id."""
    listed = daily.rows(state, "assets")
    return state.cached(
        (NAME, "coins"),
        lambda: {row["coingecko_id"]: row for row in listed if row["coingecko_id"] is not None},
    )


def _seen(state: State, coin: str) -> Seen:
    return daily.table(state, "coin_daily", ["coin"], _COLUMNS).seen(coin)


def _market_cap(seen: Seen, position: int = -1) -> float | None:
    """Return the market cap; without one of its own it is price times circulating supply."""
    own = float(seen.values["market_cap"][position])
    product = float(seen.values["price"][position] * seen.values["circulating_supply"][position])
    value = product if np.isnan(own) else own
    return None if np.isnan(value) else value


def markets(state: State, request: Request) -> Reply:
    """Answer `/coins/markets`: a page of coins, largest first, or the coins named."""
    query = request.query_params
    if "vs_currency" not in query:
        return _error("Missing parameter vs_currency", 422)
    listed: list[dict[str, Any]] = state.cached((NAME, "markets"), lambda: _markets(state))
    if "ids" in query:
        wanted = set(query["ids"].split(","))
        listed = [row for row in listed if row["id"] in wanted]
    size = min(int(query.get("per_page", DEFAULT_PER_PAGE)), MAX_PER_PAGE)
    first = (max(int(query.get("page", 1)), 1) - 1) * size
    return Reply(listed[first : first + size], shape=_MARKETS)


def _markets(state: State) -> list[dict[str, Any]]:
    found = []
    for coin, asset in _coins(state).items():
        seen = _seen(state, coin)
        if len(seen):
            found.append(_market(state, coin, asset, seen))
    found.sort(key=lambda row: (-(row["market_cap"] or 0), row["id"]))
    rank = 0
    for row in found:
        if row["market_cap"]:
            rank += 1
            row["market_cap_rank"] = rank
    return found


def _market(state: State, coin: str, asset: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    now, prices = daily.today(state), seen.values["price"]
    price, before = float(prices[-1]), seen.back("price", 1, now)
    cap = _market_cap(seen)
    total, most = seen.last("total_supply"), seen.last("max_supply")
    diluted = most or total
    change = None if not before else price - before
    high, low = int(prices.argmax()), int(prices.argmin())
    return {
        "id": coin,
        "symbol": asset["symbol"].lower(),
        "name": asset["name"],
        "image": f"https://assets.coingecko.com/coins/images/{coin}/large.png",
        "current_price": clean(price),
        "market_cap": clean(cap if cap is None else round(cap)),
        "market_cap_rank": None,
        "fully_diluted_valuation": None if diluted is None else clean(round(price * diluted)),
        "total_volume": clean(seen.last("volume_24h")),
        "high_24h": None,
        "low_24h": None,
        "price_change_24h": change,
        "price_change_percentage_24h": (
            None if change is None or not before else round(100 * change / before, 5)
        ),
        "market_cap_change_24h": None,
        "market_cap_change_percentage_24h": None,
        "circulating_supply": seen.last("circulating_supply"),
        "total_supply": total,
        "max_supply": most,
        "ath": clean(float(prices[high])),
        "ath_change_percentage": None,
        "ath_date": daily.iso(int(seen.days[high]) * DAY_S),
        "atl": clean(float(prices[low])),
        "atl_change_percentage": None,
        "atl_date": daily.iso(int(seen.days[low]) * DAY_S),
        "roi": None,
        "last_updated": daily.iso((state.now - timedelta(seconds=97)).timestamp()),
    }


def market_chart(state: State, request: Request) -> Reply:
    """Answer `/coins/{id}/market_chart/range`: daily points at midnight for more than 90 days.

    Shorter ranges have hourly points, off the hour by some milliseconds. The last point of a range
    that reaches to now is live.
    """
    coin, query = request.path_params["coin_id"], request.query_params
    missing = [name for name in ("vs_currency", "from", "to") if name not in query]
    if missing:
        return _error(f"Missing parameter {missing[0]}", 422)
    seen = _seen(state, coin)
    if coin not in _coins(state) or not len(seen):
        return _error("coin not found", 404)
    now, start, end = daily.now_s(state), int(query["from"]), int(query["to"])
    if start < now - REACH_S:
        return _too_old(state)
    end = min(end, now)
    labels = (seen.days + 1) * DAY_S
    values = {
        "prices": seen.values["price"],
        "market_caps": np.array(
            [
                float("nan") if (cap := _market_cap(seen, position)) is None else cap
                for position in range(len(seen))
            ]
        ),
        "total_volumes": seen.values["volume_24h"],
    }
    if end - start > _DAILY_FROM_S:
        times = labels[(labels >= start) & (labels <= end)] * 1000
        at = {name: column[(labels >= start) & (labels <= end)] for name, column in values.items()}
    else:
        hours = np.arange(-(-start // _HOUR_S) * _HOUR_S, end + 1, _HOUR_S)
        hours = hours[(hours >= labels[0]) & (hours <= labels[-1])]
        times = hours * 1000 + (hours // _HOUR_S * 7_919) % 60_000
        at = {name: np.interp(hours, labels, column) for name, column in values.items()}
    body = {
        name: [
            [time, daily.clean(value)]
            for time, value in zip(times.tolist(), column.tolist(), strict=True)
        ]
        for name, column in at.items()
    }
    if end == now:
        for name, column in values.items():
            body[name].append([now * 1000 + 221, daily.clean(float(column[-1]) * 1.0004)])
    return Reply(body, shape=_CHART)


def _too_old(state: State) -> Reply:
    status = {
        "timestamp": state.now.isoformat(timespec="milliseconds"),
        "error_code": 10012,
        "error_message": (
            "Your request exceeds the allowed time range. Public API users are limited to querying "
            "historical data within the past 365 days."
        ),
    }
    return Reply({"error": {"status": status}}, status=401)


def categories(state: State, _: Request) -> Reply:
    """Answer `/coins/categories`: the categories, largest first."""
    table = daily.table(
        state, "category_daily", ["category_id", "name"], ("market_cap", "volume_24h")
    )
    now = daily.today(state)
    found: list[dict[str, Any]] = []
    for category_id, name in table.keys():  # noqa: SIM118  # a method, not a mapping
        seen = table.seen(category_id, name)
        if not len(seen):
            continue
        cap, before = seen.last("market_cap"), seen.back("market_cap", 1, now)
        found.append(
            {
                "id": category_id,
                "name": name,
                "market_cap": cap,
                "market_cap_change_24h": (
                    None if not cap or not before else round(100 * (cap / before - 1), 5)
                ),
                "content": "",
                "top_3_coins_id": [],
                "top_3_coins": [],
                "volume_24h": seen.last("volume_24h"),
                "updated_at": daily.iso((state.now - timedelta(minutes=4)).timestamp()),
            }
        )
    found.sort(key=lambda row: -(row["market_cap"] or 0))
    return Reply(found)


def _throttled(message: str) -> Reply:
    limit = (
        "You've exceeded the Rate Limit. Please visit "
        "https://www.coingecko.com/en/api/pricing to subscribe to our API plans."
    )
    return Reply({"status": {"error_code": 429, "error_message": message or limit}}, 429)


MOUNT = Mount(
    name=NAME,
    handlers={
        "/coins/markets": markets,
        "/coins/categories": categories,
        "/coins/{coin_id}/market_chart/range": market_chart,
    },
    limit=Limit(10, 60),
    throttled=_throttled,
    failed=lambda message: {"error": message or "Internal Server Error"},
)
