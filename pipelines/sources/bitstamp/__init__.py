"""Bitstamp: daily candles and the list of markets; BTC against USD reaches back to 2011.

Pages are windows of 1000 days, each asked for by its start alone: a start and an end together are
read as the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.extraction import Extraction, Item, Source
from pipelines.http import RequestRefused, SourceUnavailable
from pipelines.parsing import Parsed
from pipelines.planning import Share, pages
from pipelines.sources.bitstamp import parse
from pipelines.sources.bitstamp.settings import (
    BASE_URL,
    BUDGET,
    LICENCE,
    LOOK_BACK_D,
    PAGE_ROWS,
    QUOTES,
    SPOT,
    STEP_S,
    TOO_MANY_REQUESTS,
)
from pipelines.sources.bitstamp.tables import MARKETS, OHLC
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of markets, and the closed daily candles of curated ones in the window."""
    symbols: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.markets(_get(run, "markets/", {}))
        symbols.extend(
            market["market_symbol"]
            for market in parsed.rows.to_pylist()
            if market["base_currency"] in run.universe
            and market["counter_currency"] in QUOTES
            and (market["market_type"] or SPOT) == SPOT
        )
        yield parsed

    yield from run.pull(MARKETS, "*", None, listing)
    if not symbols:
        run.stop(f"bitstamp: no curated market in the list ({len(run.universe)} codes known)")
    closed = run.closed(window)
    if closed is None:
        return
    wanted = run.wanted(symbols)
    run.settle(OHLC, len(wanted))
    for symbol in wanted:
        yield from run.pull(
            OHLC,
            symbol,
            closed,
            lambda symbol=symbol: _pages(run, symbol, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _pages(run: Extraction, symbol: str, window: Window) -> Iterator[Parsed]:
    for page in window.chunks(PAGE_ROWS):
        payload = _get(
            run,
            f"ohlc/{symbol}/",
            {
                "step": STEP_S,
                "limit": page.day_count,
                "start": int(page.start_at.timestamp()),
                "exclude_current_candle": "true",
            },
        )
        parsed = parse.ohlc(payload, symbol, STEP_S, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", page.start_at, page.end_at)


def _get(run: Extraction, path: str, params: Mapping[str, Any]) -> Any:
    try:
        return run.client.get_json(f"api/v2/{path}", params)
    except RequestRefused as problem:
        if TOO_MANY_REQUESTS in problem.body:
            raise SourceUnavailable(str(problem), status=problem.status) from problem
        raise


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and the pages of each market; markets there may be fewer."""
    shares = [Share(MARKETS, 1)]
    if (closed := run.closed(window)) is not None:
        markets = run.at_most(len(run.universe) * len(QUOTES))
        each = pages(closed.day_count, PAGE_ROWS)
        shares.append(Share(OHLC, markets, each, is_bound=True))
    return shares


SOURCE = Source(
    name="bitstamp",
    title="Bitstamp",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
