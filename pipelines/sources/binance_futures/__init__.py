"""Binance USD-margined perpetuals: settled funding, open interest, and the list of contracts.

Open interest reaches back 30 days only: what is not taken by then is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from pipelines.core.payload import PayloadError
from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share, pages
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.sources.binance_futures import parse
from pipelines.sources.binance_futures.settings import (
    BASE_URL,
    BUDGET,
    FUNDING_JITTER_MS,
    FUNDING_PAGE_ROWS,
    LICENCE,
    LOOK_BACK_D,
    OPEN_INTEREST_PAGE_ROWS,
    OPEN_INTEREST_PERIOD,
    OPEN_INTEREST_REACH_D,
    PERPETUAL,
    QUOTES,
)
from pipelines.sources.binance_futures.tables import (
    EXCHANGE_INFO,
    FUNDING_INFO,
    FUNDING_RATE,
    OPEN_INTEREST_HIST,
)

# funding times are rounded to the minute
SETTLEMENT = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the contracts, and of curated perpetuals the window's funding and open interest."""
    symbols: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.exchange_info(run.client.get_json("fapi/v1/exchangeInfo"))
        symbols.extend(
            contract["symbol"]
            for contract in parsed.rows.to_pylist()
            if contract["contract_type"] == PERPETUAL
            and contract["base_asset"] in run.universe
            and contract["quote_asset"] in QUOTES
        )
        yield parsed

    def adjusted() -> Iterator[Parsed]:
        yield parse.funding_info(run.client.get_json("fapi/v1/fundingInfo"))

    yield from run.pull(EXCHANGE_INFO, "*", None, listing)
    if not symbols:
        run.stop(f"no curated contract in the list ({len(run.universe)} codes known)")
    yield from run.pull(FUNDING_INFO, "*", None, adjusted)
    closed = run.closed(window)
    recent = run.closed(window, reach_d=OPEN_INTEREST_REACH_D)
    # the open interest at the end of a day is that of the next day's first instant
    instants = Window(recent.start, recent.end + DAY) if recent is not None else None
    wanted = run.wanted(symbols)
    run.settle(FUNDING_RATE, len(wanted))
    run.settle(OPEN_INTEREST_HIST, len(wanted))
    for symbol in wanted:
        if closed is not None:
            yield from run.pull(
                FUNDING_RATE,
                symbol,
                closed,
                lambda symbol=symbol: _funding(run, symbol, closed),  # type: ignore[misc]
                reaches=start_of(closed.last),
            )
        if instants is not None:
            yield from run.pull(
                OPEN_INTEREST_HIST,
                symbol,
                instants,
                lambda symbol=symbol: _open_interest(run, symbol, instants),  # type: ignore[misc]
                reaches=start_of(instants.last),
            )


def _funding(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    """Ask page by page: from the last settlement on, until a page is short.

    The settlement at the window's end is asked for too: its mark price is the last day's last one.
    """
    start_ms = _ms(window.start_at) - FUNDING_JITTER_MS
    end_ms = _ms(window.end_at) + FUNDING_JITTER_MS
    while start_ms <= end_ms:
        payload = run.client.get_json(
            "fapi/v1/fundingRate",
            {
                "symbol": symbol,
                "startTime": start_ms,
                "endTime": end_ms,
                "limit": FUNDING_PAGE_ROWS,
            },
        )
        page = parse.funding_rate(payload, latest=run.fetched_at + DAY)
        yield page.between("funding_time", window.start_at, window.end_at + SETTLEMENT)
        if page.row_count + len(page.refused) < FUNDING_PAGE_ROWS:
            return
        newest = pc.max(page.rows["reported_time"]).as_py()
        if newest is None or _ms(newest) < start_ms:
            raise PayloadError(f"{symbol}: a full page of funding holds nothing after {start_ms}")
        start_ms = _ms(newest) + 1


def _open_interest(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    # 30 days fit one page
    payload = run.client.get_json(
        "futures/data/openInterestHist",
        {
            "symbol": symbol,
            "period": OPEN_INTEREST_PERIOD,
            "startTime": _ms(window.start_at),
            "endTime": _ms(start_of(window.last)),
            "limit": OPEN_INTEREST_PAGE_ROWS,
        },
    )
    parsed = parse.open_interest_hist(payload, OPEN_INTEREST_PERIOD, latest=run.fetched_at + DAY)
    yield parsed.between("time", window.start_at, window.end_at)


def _ms(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the lists, and of each contract its settlements and open interest.

    A contract settles every hour at the most.
    """
    shares = [Share(EXCHANGE_INFO, 1), Share(FUNDING_INFO, 1)]
    contracts = run.at_most(len(run.universe) * len(QUOTES))
    if (closed := run.closed(window)) is not None:
        # a page that is full does not say that it is the last
        each = pages(24 * closed.day_count + 1, FUNDING_PAGE_ROWS - 1)
        shares.append(Share(FUNDING_RATE, contracts, each, is_bound=True))
    if run.closed(window, reach_d=OPEN_INTEREST_REACH_D) is not None:
        shares.append(Share(OPEN_INTEREST_HIST, contracts, is_bound=True))
    return shares


SOURCE = Source(
    name="binance_futures",
    title="Binance USD-M futures",
    kind="derivative_venue",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
