"""Gate.io payloads to rows. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pipelines.extraction.parsing import EmptyList, Parsed, dump, expect_list, parse_rows
from pipelines.sources.gateio.tables import CANDLESTICKS, CURRENCY_PAIRS

_CANDLE_CELLS = {
    "open_time": 0,
    "volume_quote": 1,
    "close": 2,
    "high": 3,
    "low": 4,
    "open": 5,
    "volume_base": 6,
}
_IS_CLOSED = 7
_PAIR_CELLS = {
    "currency_pair": "id",
    "base": "base",
    "quote": "quote",
    "trade_status": "trade_status",
    "type": "type",
}


def candlesticks(payload: object, currency_pair: str, interval: str, latest: datetime) -> Parsed:
    """Parse `/spot/candlesticks`: arrays of 8 texts, oldest first, seconds.

    The last cell says whether the candle is closed: where it is "false" it is left out.

    Raises:
        PayloadError: the payload is not a list; an error is an object with a label.
    """
    closed: list[Any] = []
    refused: list[tuple[str, str]] = []
    for row in expect_list(payload, f"candlesticks of {currency_pair}"):
        is_closed = row[_IS_CLOSED] if isinstance(row, list) and len(row) > _IS_CLOSED else "true"
        if is_closed == "true":
            closed.append(row)
        elif is_closed != "false":
            refused.append((f"window_close: unknown value: {dump(is_closed)}", dump(row)))
    parsed = parse_rows(
        CANDLESTICKS,
        closed,
        _CANDLE_CELLS,
        constants={"currency_pair": currency_pair, "interval": interval},
        times={"open_time": "s"},
        row_length=_IS_CLOSED + 1,
        latest=latest,
    )
    return replace(parsed, refused=(*parsed.refused, *refused))


def currency_pairs(payload: object) -> Parsed:
    """Parse `/spot/currency_pairs`.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    rows = expect_list(payload, "currency_pairs")
    if not rows:
        raise EmptyList("currency_pairs: the list is empty")
    return parse_rows(CURRENCY_PAIRS, rows, _PAIR_CELLS)
