"""DefiLlama price payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.extraction.parsing import Parsed, expect_list, expect_object, parse_rows
from pipelines.sources.defillama_coins.tables import PRICES


def chart(payload: object, latest: datetime) -> Parsed:
    """Parse `/chart/{coins}`: for each coin points of seconds and price, near the midnights asked.

    Points are neither aligned nor complete: each belongs to its nearest midnight, and of several
    the nearest counts (see the table's grid). A coin that DefiLlama does not know is missing
    without a word.

    Raises:
        PayloadError: there is no object of coins, or a coin has no list of prices.
    """
    coins = expect_object(expect_object(payload, "chart").get("coins"), "chart: coins")
    rows: list[Any] = []
    sent: list[Any] = []
    for coin, entry in coins.items():
        details = expect_object(entry, f"chart: {coin}")
        about = {
            "coin": coin,
            "symbol": details.get("symbol"),
            "confidence": details.get("confidence"),
        }
        points = expect_list(details.get("prices"), f"chart: prices of {coin}")
        sent += points
        rows += [{**about, **point} if isinstance(point, dict) else point for point in points]
    return parse_rows(
        PRICES,
        rows,
        {
            "coin": "coin",
            "label_time": "timestamp",
            "price_time": "timestamp",
            "symbol": "symbol",
            "price": "price",
            "confidence": "confidence",
        },
        times={"label_time": "s", "price_time": "s"},
        latest=latest,
        sent=sent,
    )
