"""Kraken spot payloads to rows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    epoch,
    expect_list,
    expect_object,
    parse_rows,
)
from pipelines.sources.kraken.tables import ASSET_PAIRS, OHLC

_OHLC_CELLS = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "vwap": 5,
    "volume_base": 6,
    "trade_count": 7,
}
_BUSY = ("EService:", "EAPI:Rate limit", "EGeneral:Too many requests")
_FAILED = "EGeneral:Internal error"


def errors(payload: object) -> list[str]:
    """Return what the body reports as errors; entries that begin with W are warnings.

    Raises:
        PayloadError: the body has no list of errors.
    """
    listed = expect_list(expect_object(payload, "kraken").get("error"), "kraken.error")
    return [str(entry) for entry in listed if not str(entry).startswith("W")]


def is_busy(payload: Any) -> bool:
    """Tell whether an answer 200 says "ask again later"."""
    listed = payload.get("error") if isinstance(payload, dict) else None
    return isinstance(listed, list) and any(str(entry).startswith(_BUSY) for entry in listed)


def is_failure(problems: Sequence[str]) -> bool:
    """Tell whether the errors are Kraken's own, and not of what was asked."""
    return any(problem.startswith(_FAILED) for problem in problems)


def ohlc(payload: object, pair: str, interval_min: int, latest: datetime) -> Parsed:
    """Parse the body of `/0/public/OHLC`: arrays of 8, oldest first, seconds.

    The rows stand under Kraken's internal name of the pair, beside `last`, the open time of the
    newest committed candle. What follows it is still open, whatever our clock says, and is left
    out. Without a trade the vwap is "0.0", which means none.

    Raises:
        PayloadError: there is not exactly one list of candles, or no `last`.
    """
    result = expect_object(expect_object(payload, "OHLC").get("result"), "OHLC.result")
    names = [name for name in result if name != "last"]
    if len(names) != 1:
        raise PayloadError(f"OHLC of {pair}: expected one pair in the result, got {names}")
    last = epoch(result.get("last"))
    if not isinstance(last, int) or isinstance(last, bool):
        raise PayloadError(f"OHLC of {pair}: expected `last` in seconds, got {last!r}")
    candles = expect_list(result[names[0]], f"OHLC of {pair}")
    parsed = parse_rows(
        OHLC,
        [candle for candle in candles if not _is_open(candle, last)],
        _OHLC_CELLS,
        constants={"pair": pair, "interval_min": interval_min},
        times={"open_time": "s"},
        row_length=8,
        latest=latest,
    )
    frame = pl.DataFrame(pl.from_arrow(parsed.rows))
    traded = frame.with_columns(pl.when(pl.col("vwap") > 0).then("vwap").alias("vwap"))
    rows: pa.Table = traded.to_arrow().cast(parsed.rows.schema)
    return replace(parsed, rows=rows)


def _is_open(candle: Any, last: int) -> bool:
    at = epoch(candle[0]) if isinstance(candle, list) and candle else None
    return isinstance(at, int) and at > last


def asset_pairs(payload: object) -> Parsed:
    """Parse the body of `/0/public/AssetPairs`: pairs by their internal name.

    Raises:
        PayloadError: the result is not an object, or it is empty.
    """
    result = expect_object(expect_object(payload, "AssetPairs").get("result"), "AssetPairs.result")
    if not result:
        raise EmptyList("AssetPairs.result: there is no pair")
    rows = [
        {**pair, "pair_id": pair_id} if isinstance(pair, dict) else pair
        for pair_id, pair in result.items()
    ]
    names = {column.name: column.name for column in ASSET_PAIRS.columns}
    return parse_rows(ASSET_PAIRS, rows, names, sent=list(result.values()))
