"""Bitstamp payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    expect_list,
    expect_object,
    parse_rows,
)
from pipelines.sources.bitstamp.tables import MARKETS, OHLC

_OHLC_CELLS = {
    "open_time": "timestamp",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume_base": "volume",
}


def ohlc(payload: object, market_symbol: str, step_s: int, latest: datetime) -> Parsed:
    """Parse `/api/v2/ohlc/{market}/`: objects of texts, oldest first, seconds.

    Raises:
        PayloadError: there is no list of candles; an error is an object by field.
    """
    data = expect_object(expect_object(payload, "ohlc").get("data"), f"ohlc of {market_symbol}")
    return parse_rows(
        OHLC,
        expect_list(data.get("ohlc"), f"ohlc of {market_symbol}"),
        _OHLC_CELLS,
        constants={"market_symbol": market_symbol, "step_s": step_s},
        times={"open_time": "s"},
        latest=latest,
    )


def markets(payload: object) -> Parsed:
    """Parse `/api/v2/markets/`, or the list `/api/v2/trading-pairs-info/` that it replaced.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    rows = expect_list(payload, "markets")
    if not rows:
        raise EmptyList("markets: the list is empty")
    names = {column.name: column.name for column in MARKETS.columns}
    return parse_rows(MARKETS, [_market(row) for row in rows], names, sent=rows)


def _market(row: Any) -> Any:
    """Return a row of the older list in the words of the newer one; another row as it is."""
    if not isinstance(row, dict) or "market_symbol" in row or "url_symbol" not in row:
        return row
    name = row.get("name")
    base, _, counter = name.partition("/") if isinstance(name, str) else ("", "", "")
    return {
        **row,
        "market_symbol": row["url_symbol"],
        "base_currency": base or None,
        "counter_currency": counter or None,
    }
