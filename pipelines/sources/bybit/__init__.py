"""Bybit: candles of spot pairs, funding and open interest of perpetuals, the list of both.

What Bybit cuts off where a range holds more than a page is not documented for every endpoint, so
candles are asked for in ranges that fit, funding page by page backwards, open interest by cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction import candles
from pipelines.extraction.parsing import EmptyList, Parsed
from pipelines.extraction.planning import Share, pages
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestRefused, SourceUnavailable
from pipelines.sources.bybit import parse
from pipelines.sources.bybit.settings import (
    BASE_URL,
    BUDGET,
    DAILY,
    FUNDING_PAGE_ROWS,
    INSTRUMENTS_PAGE_ROWS,
    INTRADAY,
    LICENCE,
    LOOK_BACK_D,
    MAX_CONTRACTS_OF_A_BASE,
    MAX_LINEAR_PAGES,
    MIRRORS,
    OPEN_INTEREST_INTERVAL,
    OPEN_INTEREST_PAGE_ROWS,
    PAGE_BUCKETS,
    PERPETUAL,
    QUOTES,
    SETTLED_IN,
)
from pipelines.sources.bybit.tables import (
    FUNDING_HISTORY,
    INSTRUMENTS_INFO,
    KLINE,
    OPEN_INTEREST,
)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the instruments, and of curated ones candles, funding and open interest."""
    pairs: set[str] = set()
    contracts: set[str] = set()

    def listing() -> Iterator[Parsed]:
        listed = 0
        for category, wanted in (("spot", pairs), ("linear", contracts)):
            for payload in _pages(
                run,
                "instruments-info",
                # spot knows no pages
                {"category": category, "limit": INSTRUMENTS_PAGE_ROWS}
                if category == "linear"
                else {"category": category},
            ):
                parsed = parse.instruments_info(parse.result(payload, category), category)
                listed += parsed.row_count
                wanted.update(
                    instrument["symbol"]
                    for instrument in parsed.rows.to_pylist()
                    if _is_wanted(run, instrument)
                )
                yield parsed
        if not listed:
            raise EmptyList("the list of instruments is empty")

    yield from run.pull(INSTRUMENTS_INFO, "*", None, listing)
    if not pairs | contracts:
        run.stop(f"no curated instrument in the list ({len(run.universe)} codes known)")
    closed = run.closed(window)
    if closed is None:
        return
    # the open interest at the end of a day is that of the next day's first instant
    instants = Window(closed.start, closed.end + DAY)
    wanted = run.wanted(pairs | contracts)
    run.settle(FUNDING_HISTORY, len(contracts.intersection(wanted)))
    run.settle(OPEN_INTEREST, len(contracts.intersection(wanted)))
    yield from candles.pull(
        run,
        KLINE,
        sorted(pairs.intersection(wanted)),
        closed,
        partial(_candles, run),
        is_newest_first=True,
    )
    for symbol in wanted:
        if symbol in contracts:
            yield from run.pull(
                FUNDING_HISTORY,
                symbol,
                closed,
                lambda symbol=symbol: _funding(run, symbol, closed),  # type: ignore[misc]
                reaches=start_of(closed.last),
                begins=closed.start_at,
            )
            yield from run.pull(
                OPEN_INTEREST,
                symbol,
                instants,
                lambda symbol=symbol: _open_interest(run, symbol, instants),  # type: ignore[misc]
                reaches=closed.end_at,
                begins=instants.start_at,
            )


def _is_wanted(run: Extraction, instrument: Mapping[str, Any]) -> bool:
    if instrument["base_coin"] not in run.universe:
        return False
    if instrument["category"] == "spot":
        return instrument["quote_coin"] in QUOTES
    return instrument["contract_type"] == PERPETUAL and instrument["settle_coin"] in SETTLED_IN


def _candles(run: Extraction, symbol: str, interval: str, window: Window) -> Iterator[Parsed]:
    length_s = candles.INTERVAL_S[interval]
    word = DAILY if interval == candles.DAILY else str(length_s // 60)
    for start, end in candles.spans(window, interval, PAGE_BUCKETS):
        payload = _get(
            run,
            "kline",
            {
                "category": "spot",
                "symbol": symbol,
                "interval": word,
                "start": int(start.timestamp()) * 1000,
                "end": (int(end.timestamp()) - length_s) * 1000,
                "limit": int((end - start).total_seconds()) // length_s,
            },
        )
        rows = parse.result(payload, "spot", symbol=symbol)
        parsed = parse.kline(rows, symbol, word, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", start, end)


def _funding(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    start_ms, end_ms = _ms(window), _ms(Window.of_day(window.end)) - 1
    while end_ms >= start_ms:
        payload = _get(
            run,
            "funding/history",
            {
                "category": "linear",
                "symbol": symbol,
                "startTime": start_ms,
                "endTime": end_ms,
                "limit": FUNDING_PAGE_ROWS,
            },
        )
        rows = parse.result(payload, "linear")
        parsed = parse.funding_history(rows, latest=run.fetched_at + DAY)
        yield parsed.between("funding_time", window.start_at, window.end_at)
        if len(rows) < FUNDING_PAGE_ROWS:
            return
        oldest = parse.oldest_ms(
            [row.get("fundingRateTimestamp") if isinstance(row, dict) else None for row in rows]
        )
        if oldest > end_ms:
            raise PayloadError(f"funding of {symbol}: a page up to {end_ms} lies after it")
        end_ms = oldest - 1


def _open_interest(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    for payload in _pages(
        run,
        "open-interest",
        {
            "category": "linear",
            "symbol": symbol,
            "intervalTime": OPEN_INTEREST_INTERVAL,
            "startTime": _ms(window),
            # without an end the start is ignored, and the newest rows come
            "endTime": _ms(Window.of_day(window.last)),
            "limit": OPEN_INTEREST_PAGE_ROWS,
        },
    ):
        rows = parse.result(payload, "linear", symbol=symbol)
        parsed = parse.open_interest(
            rows, symbol, OPEN_INTEREST_INTERVAL, latest=run.fetched_at + DAY
        )
        yield parsed.between("time", window.start_at, window.end_at)


def _pages(run: Extraction, endpoint: str, params: Mapping[str, Any]) -> Iterator[Any]:
    """Yield answer after answer, as each names the cursor of the next."""
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        payload = _get(run, endpoint, {**params, "cursor": cursor})
        yield payload
        cursor = parse.next_cursor(payload)
        if cursor is None:
            return
        if cursor in seen:
            raise PayloadError(f"{endpoint}: the next page is one that was read already")
        seen.add(cursor)


def _get(run: Extraction, endpoint: str, params: Mapping[str, Any]) -> Any:
    """Ask, and raise what Bybit reports inside an answer 200."""
    payload = run.client.get_json(f"v5/market/{endpoint}", params)
    while parse.is_blocked(payload) and run.client.change_host():
        payload = run.client.get_json(f"v5/market/{endpoint}", params)
    problem = parse.error(payload)
    if problem is None:
        return payload
    message = f"{endpoint} {params.get('symbol', '')}: {problem}"
    if parse.is_busy(payload) or parse.is_blocked(payload):
        raise SourceUnavailable(message)
    raise RequestRefused(message)


def _ms(window: Window) -> int:
    return int(window.start_at.timestamp()) * 1000


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the lists, and the pages of each pair and contract.

    A contract settles every hour at the most.
    """
    shares = [Share(INSTRUMENTS_INFO, 1 + MAX_LINEAR_PAGES)]
    if (closed := run.closed(window)) is not None:
        pairs = run.at_most(len(run.universe) * len(QUOTES))
        contracts = run.at_most(len(run.universe) * MAX_CONTRACTS_OF_A_BASE)
        days = closed.day_count
        shares += [
            *candles.shares(run, KLINE, closed, pairs, PAGE_BUCKETS),
            # a page that is full does not say that it is the last
            Share(FUNDING_HISTORY, contracts, pages(24 * days + 1, FUNDING_PAGE_ROWS), True),
            Share(OPEN_INTEREST, contracts, pages(days + 2, OPEN_INTEREST_PAGE_ROWS), True),
        ]
    return shares


SOURCE = Source(
    name="bybit",
    title="Bybit",
    kind="spot_venue",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    intervals=INTRADAY,
    mirrors=MIRRORS,
    is_busy=parse.is_busy,
    quotes=QUOTES,
)
