"""Bitstamp: candles and the list of markets; BTC against USD reaches back to 2011.

Pages are windows of 1000 candles, each asked for by its start alone: a start and an end together
are read as the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pipelines.core.windows import DAY, Window
from pipelines.extraction import candles
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget, RequestRefused, SourceUnavailable
from pipelines.sources.bitstamp import parse
from pipelines.sources.bitstamp.tables import MARKETS, OHLC

BASE_URL = "https://www.bitstamp.net"
# 10,000 requests in 10 minutes and address: half of it
BUDGET = Budget(requests_per_second=8.0, burst=8)
LOOK_BACK_D = 3
LICENCE = "Bitstamp API terms: own use, no redistribution of raw data"

# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h"})
PAGE_ROWS = 1000
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset({"BTC", "DAI", "ETH", "EUR", "GBP", "PAX", "USD", "USDC", "USDT"})
SPOT = "SPOT"
# the rate limit is reported in the body of a refusal
TOO_MANY_REQUESTS = "400.002"


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of markets, and the closed candles of curated ones in the window."""
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
        run.stop(f"no curated market in the list ({len(run.universe)} codes known)")
    yield from candles.pull(run, OHLC, run.wanted(symbols), window, partial(_pages, run))


def _pages(run: Extraction, symbol: str, interval: str, window: Window) -> Iterator[Parsed]:
    step_s = candles.INTERVAL_S[interval]
    for start, end in candles.spans(window, interval, PAGE_ROWS):
        payload = _get(
            run,
            f"ohlc/{symbol}/",
            {
                "step": step_s,
                "limit": int((end - start).total_seconds()) // step_s,
                "start": int(start.timestamp()),
                "exclude_current_candle": "true",
            },
        )
        parsed = parse.ohlc(payload, symbol, step_s, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", start, end)


def _get(run: Extraction, path: str, params: Mapping[str, Any]) -> Any:
    try:
        return run.client.get_json(f"api/v2/{path}", params)
    except RequestRefused as problem:
        if TOO_MANY_REQUESTS in problem.body:
            raise SourceUnavailable(str(problem), status=problem.status) from problem
        raise


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and the pages of each market; markets there may be fewer."""
    markets = run.at_most(len(run.universe) * len(QUOTES))
    return [Share(MARKETS, 1), *candles.shares(run, OHLC, window, markets, PAGE_ROWS)]


SOURCE = Source(
    name="bitstamp",
    title="Bitstamp",
    kind="spot_venue",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    intervals=INTRADAY,
    quotes=QUOTES,
)
