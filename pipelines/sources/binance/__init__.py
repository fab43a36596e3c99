"""Binance spot: daily candles and the list of pairs; candles of less than a day where wanted.

Curated base currencies against the quotes of `settings.QUOTES`. Delisted pairs stay in the list
with another status, so their history is asked for too. Candles come page by page, or in files of a
month where that takes fewer requests (`plan`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial

import pyarrow.compute as pc

from pipelines.core.payload import PayloadError
from pipelines.core.windows import DAY, Window
from pipelines.extraction import candles
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.sources.binance import parse, plan
from pipelines.sources.binance.dump import Dump
from pipelines.sources.binance.settings import (
    BASE_URL,
    BUDGET,
    FILES_BUDGET,
    FILES_URL,
    LICENCE,
    LOOK_BACK_D,
    MIRRORS,
    PAGE_ROWS,
    QUOTES,
)
from pipelines.sources.binance.tables import EXCHANGE_INFO, KLINES


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of pairs, and the closed candles of curated pairs in the window."""
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
        run.stop(f"no curated pair in the list of pairs ({len(run.universe)} codes known)")
    asked = partial(_candles, run, Dump.of(run))
    yield from candles.pull(run, KLINES, run.wanted(symbols), window, asked)


def _candles(
    run: Extraction, dump: Dump | None, symbol: str, interval: str, window: Window
) -> Iterator[Parsed]:
    """Ask for the window by files or by pages, as planned."""
    bulk = run.bulk if dump is not None else "never"
    chosen = plan.choose(window, interval, run.fetched_at.date(), bulk)
    pages = partial(_pages, run, symbol, interval)
    if dump is None or not chosen.files:
        yield from pages(window)
        return
    first = _first_day(run, symbol, interval, window)
    if first is not None:
        yield from dump.candles(chosen, symbol, interval, first, pages)


def _first_day(run: Extraction, symbol: str, interval: str, window: Window) -> date | None:
    """Return the day on which the pair's candles begin in the window; None: it has none there."""
    payload = run.client.get_json(
        "api/v3/klines",
        {
            "symbol": symbol,
            "interval": interval,
            "startTime": _ms(window.start_at.timestamp()),
            "endTime": _ms(window.end_at.timestamp()) - 1,
            "limit": 1,
        },
    )
    parsed = parse.klines(payload, symbol, interval, latest=run.fetched_at + DAY)
    if parsed.refused:
        raise PayloadError(f"the first candle is refused: {parsed.refused[0][0]}")
    first: datetime | None = pc.min(parsed.rows["open_time"]).as_py()
    return first.date() if first is not None else None


def _pages(run: Extraction, symbol: str, interval: str, window: Window) -> Iterator[Parsed]:
    """Ask page by page: from the last open time on, until a page is short."""
    start_ms = _ms(window.start_at.timestamp())
    end_ms = _ms(window.end_at.timestamp()) - 1
    while start_ms <= end_ms:
        payload = run.client.get_json(
            "api/v3/klines",
            {
                "symbol": symbol,
                "interval": interval,
                "startTime": start_ms,
                "endTime": end_ms,
                "limit": PAGE_ROWS,
            },
        )
        page = parse.klines(payload, symbol, interval, run.fetched_at + DAY)
        fresh = page.between("open_time", _at(start_ms), window.end_at)
        yield fresh
        received = page.row_count + len(page.refused)
        if received < PAGE_ROWS:
            return
        if not fresh.row_count:
            raise PayloadError(f"a full page holds nothing after {_at(start_ms)}")
        newest = _ms(pc.max(fresh.rows["open_time"]).as_py().timestamp())
        if newest + candles.INTERVAL_S[interval] * 1000 > end_ms:
            return
        start_ms = newest + 1


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _at(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def planned(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and files or pages of each pair; pairs there may be fewer."""
    shares = [Share(EXCHANGE_INFO, 1)]
    closed = run.closed(window)
    if closed is not None:
        bulk = run.bulk if run.files is not None else "never"
        pairs = run.at_most(len(run.universe) * len(QUOTES))
        for interval in (candles.DAILY, *run.intervals):
            is_daily = interval == candles.DAILY
            table = KLINES if is_daily else candles.intraday(KLINES)
            chosen = plan.choose(closed, interval, run.fetched_at.date(), bulk)
            each = plan.most_requests(chosen, interval)
            shares.append(Share(table, pairs, each, is_bound=True, is_needed=not is_daily))
    return shares


SOURCE = Source(
    name="binance",
    title="Binance spot",
    kind="spot_venue",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=planned,
    licence=LICENCE,
    mirrors=MIRRORS,
    files_url=FILES_URL,
    files_budget=FILES_BUDGET,
    intervals=candles.SHORTER,
    quotes=QUOTES,
)
