"""Binance spot payloads and files to rows. Pure."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO

import polars as pl

from pipelines.core.bounds import Bounds
from pipelines.core.payload import PayloadError
from pipelines.core.windows import Window
from pipelines.extraction.drift import shape_of
from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    dump,
    expect_list,
    expect_object,
    parse_rows,
    parse_texts,
)
from pipelines.sources.binance.tables import EXCHANGE_INFO, KLINES

_KLINE_CELLS = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume_base": 5,
    "close_time": 6,
    "volume_quote": 7,
    "trade_count": 8,
    "taker_buy_base": 9,
    "taker_buy_quote": 10,
}
# a file of seconds holds 2.6 million rows
_CHUNK_BYTES = 16 * 2**20
_MICROSECOND_DIGITS = 16
_BOUNDS = Bounds()
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BrokenFile(PayloadError):
    """A file of the dump that cannot be read; its rows must be had elsewhere."""


def klines(payload: object, symbol: str, interval: str, latest: datetime) -> Parsed:
    """Parse `/api/v3/klines`: arrays of 12, oldest first, milliseconds, the open candle last.

    Raises:
        PayloadError: the payload is not a list.
    """
    return parse_rows(
        KLINES,
        expect_list(payload, "klines"),
        _KLINE_CELLS,
        constants={"symbol": symbol, "interval": interval},
        times={"open_time": "ms", "close_time": "ms"},
        row_length=11,
        latest=latest,
    )


def exchange_info(payload: object) -> Parsed:
    """Parse `/api/v3/exchangeInfo`; keys that we do not know are ignored, new ones come often.

    Raises:
        PayloadError: there is no list of symbols, or it is empty.
    """
    symbols = expect_list(
        expect_object(payload, "exchangeInfo").get("symbols"), "exchangeInfo.symbols"
    )
    if not symbols:
        raise EmptyList("exchangeInfo.symbols: the list is empty")
    return parse_rows(
        EXCHANGE_INFO,
        symbols,
        {
            "symbol": "symbol",
            "status": "status",
            "base_asset": "baseAsset",
            "quote_asset": "quoteAsset",
            "is_spot_trading_allowed": "isSpotTradingAllowed",
        },
    )


def checksum(body: bytes, file_name: str) -> str:
    """Return the digest in a CHECKSUM file: one line of `sha256sum`.

    Raises:
        BrokenFile: it is not such a line, or it is about another file.
    """
    words = body.decode("utf-8", "replace").split()
    if len(words) != 2 or words[1].lstrip("*") != file_name or not _SHA256.fullmatch(words[0]):
        raise BrokenFile(f"checksum: not a line for {file_name}: {body[:120]!r}")
    return words[0]


def lines(body: bytes, file_name: str, bounds: Bounds = _BOUNDS) -> Iterator[list[str]]:
    """Yield the lines of the one CSV in a zip, chunk by chunk, a header left out.

    A header is reported by its first cell: it is not all digits. Older files have none.

    Raises:
        BrokenFile: the zip is damaged, does not hold the CSV of its own name, or unpacks to more
            than the bounds allow, before any line; a line is longer than they allow, in its place.
    """
    expected = f"{file_name.removesuffix('.zip')}.csv"
    try:
        archive = zipfile.ZipFile(BytesIO(body))
        # no more than these sizes is ever unpacked, whatever is packed
        unpacked = sum(member.file_size for member in archive.infolist())
        if problem := bounds.of_archive(len(body), unpacked):
            raise BrokenFile(f"zip: {problem}")
        damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise BrokenFile(f"zip: {error}") from error
    except ValueError as error:  # offsets that make no sense
        raise BrokenFile(f"zip: {error}") from error
    if damaged is not None:
        raise BrokenFile(f"zip: {damaged} does not have the content that its CRC says")
    if archive.namelist() != [expected]:
        raise BrokenFile(f"zip: expected {expected} alone, got {archive.namelist()[:5]}")
    is_first = True
    begun = b""
    with archive.open(expected) as file:
        while chunk := file.read(_CHUNK_BYTES):
            whole, newline, begun = (begun + chunk).rpartition(b"\n")
            if newline:
                yield _split(whole, is_first=is_first)
                is_first = False
            if problem := bounds.of_lines(begun):
                raise BrokenFile(f"csv: {problem}")
    if begun:
        yield _split(begun, is_first=is_first)


def _split(chunk: bytes, *, is_first: bool) -> list[str]:
    text = chunk.decode("utf-8-sig", "replace")
    found = [stripped for line in text.split("\n") if (stripped := line.strip())]
    if is_first and found and not found[0].partition(",")[0].isdecimal():
        return found[1:]
    return found


def kline_lines(lines: list[str], symbol: str, interval: str, period: Window) -> Parsed:
    """Parse lines of a file of the dump: the 12 cells of `/api/v3/klines`, as CSV.

    Times are milliseconds before 2025 and microseconds since, by their digits, row by row. The
    close time is cut to the millisecond that the API says. Rows of another period are refused.
    """
    names = sorted(_KLINE_CELLS, key=lambda name: _KLINE_CELLS[name])
    fields = (
        pl.Series("line", lines, dtype=pl.String)
        .str.split_exact(",", len(names) - 1)
        .struct.rename_fields(names)
        .struct.unnest()
    )
    times = ("open_time", "close_time")
    parsed = parse_texts(
        KLINES,
        fields.with_columns(_microseconds(name) for name in times),
        constants={"symbol": symbol, "interval": interval},
        times=dict.fromkeys(times, "us"),
    )
    frame = pl.DataFrame(pl.from_arrow(parsed.rows)).with_columns(
        pl.col("close_time").dt.truncate("1ms")
    )
    inside = pl.col("open_time").is_between(period.start_at, period.end_at, closed="left")
    strangers = [
        (f"open_time: not in the file's period: {opened}", dump({"open_time": opened.isoformat()}))
        for opened in frame.filter(~inside)["open_time"]
    ]
    # a line's length is all that can be seen of its columns
    longest = shape_of([line.split(",") for line in lines[:1]])
    return replace(
        parsed,
        shape=longest,
        rows=frame.filter(inside).to_arrow().cast(parsed.rows.schema),
        refused=(*parsed.refused, *strangers),
    )


def _microseconds(name: str) -> pl.Expr:
    text = pl.col(name)
    is_fine = text.str.len_chars() >= _MICROSECOND_DIGITS
    return pl.when(is_fine).then(text).otherwise(text + "000").alias(name)
