"""CoinGecko payloads to rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.core.tables import DAY_S
from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    epoch,
    expect_list,
    expect_object,
    parse_rows,
)
from pipelines.sources.coingecko.tables import CATEGORIES, MARKET_CHART, MARKETS

_DAY_MS = DAY_S * 1_000
_SERIES = {
    "price_usd": "prices",
    "market_cap_usd": "market_caps",
    "volume_24h_usd": "total_volumes",
}


# no key, a key of another plan, or one that was sent to another plan's host
_KEY_CODES = ("10002", "10010", "10011")


def is_about_the_key(body: str) -> bool:
    """Tell whether a refusal is of the key, or of the host that it was sent to."""
    try:
        said = error_text(json.loads(body))
    except ValueError:
        return False
    return said is not None and said.partition(":")[0] in _KEY_CODES


def error_text(payload: object) -> str | None:
    """Return what an error envelope says, or None for a payload that is none.

    Three shapes occur, on any status: `{"error": "…"}`, `{"error": {"status": {…}}}` and
    `{"status": {…}}`, where the inner object has `error_code` and `error_message`.
    """
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if isinstance(error, str):
        return error
    status = error.get("status") if isinstance(error, dict) else payload.get("status")
    if isinstance(status, dict) and ("error_code" in status or "error_message" in status):
        return f"{status.get('error_code')}: {status.get('error_message')}"
    return None


def markets(payload: object, seen: Collection[str], latest: datetime) -> Parsed:
    """Parse a page of `/coins/markets`: one object a coin, numbers or null.

    Args:
        payload: the body.
        seen: ids of earlier pages: ranks move while pages are read, so a coin may come twice.
        latest: instants after it are refused.

    Raises:
        PayloadError: the payload is not a list.
    """
    listed = [
        coin
        for coin in _rows(payload, "coins/markets")
        if not (isinstance(coin, dict) and isinstance(coin.get("id"), str) and coin["id"] in seen)
    ]
    return parse_rows(
        MARKETS,
        listed,
        {
            "coin_id": "id",
            "symbol": "symbol",
            "name": "name",
            "price_usd": "current_price",
            "market_cap_usd": "market_cap",
            "market_cap_rank": "market_cap_rank",
            "fully_diluted_valuation_usd": "fully_diluted_valuation",
            "volume_24h_usd": "total_volume",
            "circulating_supply": "circulating_supply",
            "total_supply": "total_supply",
            "max_supply": "max_supply",
            "last_updated": "last_updated",
        },
        times={"last_updated": "iso"},
        latest=latest,
    )


def market_chart(payload: object, coin_id: str, latest: datetime) -> Parsed:
    """Parse `/coins/{id}/market_chart/range`: three series of [milliseconds, value].

    Only points at midnight are days: the last one is live, and a short range has hourly points.

    Raises:
        PayloadError: a series is missing, or a point is not a pair.
    """
    if (problem := error_text(payload)) is not None:
        raise PayloadError(f"market_chart of {coin_id}: {problem}")
    chart = expect_object(payload, f"market_chart of {coin_id}")
    days: dict[int, dict[str, Any]] = {}
    for column, name in _SERIES.items():
        for point in expect_list(chart.get(name), f"market_chart of {coin_id}: {name}"):
            at = epoch(point[0]) if isinstance(point, list) and len(point) == 2 else None
            if type(at) is not int:
                raise PayloadError(
                    f"market_chart of {coin_id}: {name}: a point is not [milliseconds, value]"
                )
            if at % _DAY_MS == 0:
                days.setdefault(at, {"label_time": at})[column] = point[1]
    return parse_rows(
        MARKET_CHART,
        [days[at] for at in sorted(days)],
        {"label_time": "label_time", **{column: column for column in _SERIES}},
        constants={"coin_id": coin_id},
        times={"label_time": "ms"},
        latest=latest,
        sent=[chart],
    )


def categories(payload: object, latest: datetime) -> Parsed:
    """Parse `/coins/categories`: one object a category, numbers or null.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    listed = _rows(payload, "coins/categories")
    if not listed:
        raise EmptyList("coins/categories: the list is empty")
    return parse_rows(
        CATEGORIES,
        listed,
        {
            "category_id": "id",
            "name": "name",
            "market_cap_usd": "market_cap",
            "market_cap_change_24h_pct": "market_cap_change_24h",
            "volume_24h_usd": "volume_24h",
            "updated_at": "updated_at",
        },
        times={"updated_at": "iso"},
        latest=latest,
    )


def _rows(payload: object, what: str) -> list[Any]:
    if (problem := error_text(payload)) is not None:
        raise PayloadError(f"{what}: {problem}")
    return expect_list(payload, what)
