"""Binance spot: daily candles and the list of pairs.

Curated base currencies against the quotes of `settings.QUOTES`. Delisted pairs stay in the list
with another status, so their history is asked for too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow.compute as pc

from pipelines.extraction import Extraction, Item, Source
from pipelines.parsing import Parsed, PayloadError
from pipelines.sources.binance import parse
from pipelines.sources.binance.settings import (
    BASE_URL,
    BUDGET,
    INTERVAL,
    LICENCE,
    LOOK_BACK_D,
    PAGE_ROWS,
    QUOTES,
)
from pipelines.sources.binance.tables import EXCHANGE_INFO, KLINES
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of pairs, and the closed daily candles of curated pairs in the window."""
    symbols: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.exchange_info(run.client.get_json("api/v3/exchangeInfo"))
        symbols.extend(
            pair["symbol"]
            for pair in parsed.rows.to_pylist()
            if pair["base_asset"] in run.universe and pair["quote_asset"] in QUOTES
        )
        yield parsed

    yield from run.pull(EXCHANGE_INFO, "*", None, listing)
    if not symbols:
        run.stop(f"binance: no curated pair in the list of pairs ({len(run.universe)} codes known)")
    closed = run.closed(window)
    if closed is None:
        return
    for symbol in run.wanted(symbols):
        yield from run.pull(
            KLINES,
            symbol,
            closed,
            lambda symbol=symbol: _pages(run, symbol, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _pages(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    """Ask page by page: from the last open time on, until a page is short."""
    start_ms = _ms(window.start_at.timestamp())
    end_ms = _ms(window.end_at.timestamp()) - 1
    while start_ms <= end_ms:
        payload = run.client.get_json(
            "api/v3/klines",
            {
                "symbol": symbol,
                "interval": INTERVAL,
                "startTime": start_ms,
                "endTime": end_ms,
                "limit": PAGE_ROWS,
            },
        )
        page = parse.klines(payload, symbol, INTERVAL, latest=run.fetched_at + DAY)
        fresh = page.between("open_time", _at(start_ms), window.end_at)
        yield fresh
        received = page.row_count + len(page.refused)
        if received < PAGE_ROWS:
            return
        if not fresh.row_count:
            raise PayloadError(f"{symbol}: a full page holds nothing after {_at(start_ms)}")
        start_ms = _ms(pc.max(fresh.rows["open_time"]).as_py().timestamp()) + 1


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


SOURCE = Source(
    name="binance",
    title="Binance spot",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    licence=LICENCE,
)
