"""Bybit payloads to rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, epoch, expect_list, expect_object, parse_rows
from pipelines.sources.bybit.tables import (
    FUNDING_HISTORY,
    INSTRUMENTS_INFO,
    KLINE,
    OPEN_INTEREST,
)

# of spot pairs and linear contracts; inverse ones have the last two the other way round
_KLINE_CELLS = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume_base": 5,
    "volume_quote": 6,
}
# too many visits, internal error
_BUSY = (10006, 10016)
# this place, or this address
_BLOCKED = 10009


def error(payload: object) -> str | None:
    """Return what the body reports as error, or None: Bybit sends them with a 200.

    The code decides; the text of a success is "OK", "success", "SUCCESS" or empty.

    Raises:
        PayloadError: the body has no code.
    """
    body = expect_object(payload, "bybit")
    code = body.get("retCode")
    if not isinstance(code, int) or isinstance(code, bool):
        raise PayloadError(f"expected retCode, a number, got {dump(code)}")
    return None if code == 0 else f"retCode {code}: {body.get('retMsg', '')}"


def is_busy(payload: Any) -> bool:
    """Tell whether an answer 200 says "ask again later"."""
    return isinstance(payload, dict) and payload.get("retCode") in _BUSY


def is_blocked(payload: Any) -> bool:
    """Tell whether an answer 200 says that the host does not answer this place."""
    return isinstance(payload, dict) and payload.get("retCode") == _BLOCKED


def result(payload: object, category: str, *, symbol: str | None = None) -> list[Any]:
    """Return the rows of an answer without an error.

    Args:
        payload: the body.
        category: what was asked for; Bybit's default is another one.
        symbol: what was asked for, where the answer repeats it.

    Raises:
        PayloadError: there is no list, or it is of something that was not asked for.
    """
    body = expect_object(expect_object(payload, "bybit").get("result"), "bybit.result")
    if body.get("category", category) != category:
        raise PayloadError(f"asked for {category}, got {dump(body['category'])}")
    if symbol is not None and body.get("symbol", symbol) != symbol:
        raise PayloadError(f"asked for {symbol}, got {dump(body['symbol'])}")
    return expect_list(body.get("list"), "bybit.result.list")


def next_cursor(payload: object) -> str | None:
    """Return where the next page begins; the last page has an empty one or null.

    Raises:
        PayloadError: it is there and not text.
    """
    body = expect_object(expect_object(payload, "bybit").get("result"), "bybit.result")
    cursor = body.get("nextPageCursor")
    if cursor is not None and not isinstance(cursor, str):
        raise PayloadError(f"nextPageCursor is not text: {dump(cursor)}")
    return cursor or None


def oldest_ms(times: Sequence[Any]) -> int:
    """Return the smallest of a page's own time cells, from where the next page goes on.

    Raises:
        PayloadError: there is none that can be read.
    """
    readable = [at for time in times if type(at := epoch(time)) is int]
    if not readable:
        raise PayloadError("no row of the page has a time in milliseconds")
    return min(readable)


def kline(rows: Sequence[Any], symbol: str, interval: str, latest: datetime) -> Parsed:
    """Parse the rows of `/market/kline` of a spot pair: 7 texts, newest first, milliseconds."""
    return _distinct(
        parse_rows(
            KLINE,
            rows,
            _KLINE_CELLS,
            constants={"category": "spot", "symbol": symbol, "interval": interval},
            times={"open_time": "ms"},
            row_length=7,
            latest=latest,
        )
    )


def funding_history(rows: Sequence[Any], latest: datetime) -> Parsed:
    """Parse the rows of `/market/funding/history`: objects of texts, newest first."""
    return _distinct(
        parse_rows(
            FUNDING_HISTORY,
            rows,
            {
                "symbol": "symbol",
                "funding_time": "fundingRateTimestamp",
                "funding_rate": "fundingRate",
            },
            times={"funding_time": "ms"},
            latest=latest,
        )
    )


def open_interest(rows: Sequence[Any], symbol: str, interval: str, latest: datetime) -> Parsed:
    """Parse the rows of `/market/open-interest`: objects of texts, newest first."""
    return _distinct(
        parse_rows(
            OPEN_INTEREST,
            rows,
            {
                "time": "timestamp",
                "open_interest": "openInterest",
                "single_open_interest": "singleOpenInterest",
            },
            constants={"symbol": symbol, "interval": interval},
            times={"time": "ms"},
            latest=latest,
        )
    )


def instruments_info(rows: Sequence[Any], category: str) -> Parsed:
    """Parse the rows of `/market/instruments-info`: objects; a pair has fewer fields."""
    return parse_rows(
        INSTRUMENTS_INFO,
        rows,
        {
            "symbol": "symbol",
            "status": "status",
            "base_coin": "baseCoin",
            "quote_coin": "quoteCoin",
            "contract_type": "contractType",
            "settle_coin": "settleCoin",
            "launch_time": "launchTime",
            "funding_interval_min": "fundingInterval",
        },
        constants={"category": category},
        times={"launch_time": "ms"},
    )


def _distinct(parsed: Parsed) -> Parsed:
    """Leave out rows that the page repeats; two that differ under one key are both kept."""
    frame = pl.DataFrame(pl.from_arrow(parsed.rows)).unique(maintain_order=True)
    return replace(parsed, rows=frame.to_arrow().cast(parsed.rows.schema))
