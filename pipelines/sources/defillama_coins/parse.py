"""DefiLlama price payloads to rows. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pipelines.parsing import Parsed, dump, expect_list, expect_object, parse_rows
from pipelines.sources.defillama_coins.settings import SEARCH_WIDTH_H
from pipelines.sources.defillama_coins.tables import PRICES

_DAY_S = 86_400


def chart(payload: object, latest: datetime) -> Parsed:
    """Parse `/chart/{coins}`: for each coin points of seconds and price, near the midnights asked.

    Points are neither aligned nor complete: each belongs to its nearest midnight, and of several
    the nearest counts. A coin that DefiLlama does not know is missing without a word.

    Raises:
        PayloadError: there is no object of coins, or a coin has no list of prices.
    """
    coins = expect_object(expect_object(payload, "chart").get("coins"), "chart: coins")
    rows: list[dict[str, Any]] = []
    astray: list[tuple[str, str]] = []
    sent: list[Any] = []
    for coin, entry in coins.items():
        details = expect_object(entry, f"chart: {coin}")
        nearest: dict[int, dict[str, Any]] = {}
        for point in expect_list(details.get("prices"), f"chart: prices of {coin}"):
            sent.append(point)
            row = {
                "coin": coin,
                "symbol": details.get("symbol"),
                "confidence": details.get("confidence"),
                **(point if isinstance(point, dict) else {}),
            }
            at = row.get("timestamp")
            if type(at) is not int:
                astray.append((f"price_time: not an integer: {at}", dump(point)))
                continue
            label = (at + _DAY_S // 2) // _DAY_S * _DAY_S
            away = abs(at - label)
            if away > SEARCH_WIDTH_H * 3600:
                astray.append((f"price_time: {away} s away from midnight", dump(point)))
            elif label not in nearest or away < abs(nearest[label]["timestamp"] - label):
                nearest[label] = {**row, "label": label}
        rows += [nearest[label] for label in sorted(nearest)]
    parsed = parse_rows(
        PRICES,
        rows,
        {
            "coin": "coin",
            "label_time": "label",
            "price_time": "timestamp",
            "symbol": "symbol",
            "price": "price",
            "confidence": "confidence",
        },
        times={"label_time": "s", "price_time": "s"},
        latest=latest,
        sent=sent,
    )
    return replace(parsed, refused=(*parsed.refused, *astray))
