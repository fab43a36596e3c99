"""Coinbase Exchange: candles and the list of products.

Pages are windows of 300 candles, not steps from the last row: buckets without trades are left out,
so an empty page does not mean the end of history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from pipelines.core.windows import DAY, Window
from pipelines.extraction import candles
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget
from pipelines.sources.coinbase import parse
from pipelines.sources.coinbase.tables import CANDLES, PRODUCTS

BASE_URL = "https://api.exchange.coinbase.com"
# 10 requests a second and address are allowed
BUDGET = Budget(requests_per_second=6.0, burst=5)
LOOK_BACK_D = 3
LICENCE = "Coinbase market data terms: own use, no redistribution of raw data"

# what can be had beside the daily candles
INTRADAY = frozenset({"1m", "5m", "15m", "1h", "6h"})
# a window of 300 buckets, both ends inclusive; one more is refused with HTTP 400
PAGE_BUCKETS = 300
# every quote that can be priced (the seed cfg_quote), in the venue's code
QUOTES = frozenset(
    {
        "BTC",
        "BUSD",
        "DAI",
        "ETH",
        "EUR",
        "FDUSD",
        "GBP",
        "PAX",
        "TUSD",
        "USD",
        "USDC",
        "USDP",
        "USDT",
    }
)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of products, and the closed candles of curated ones in the window."""
    product_ids: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.products(run.client.get_json("products"))
        product_ids.extend(
            product["product_id"]
            for product in parsed.rows.to_pylist()
            if product["base_currency"] in run.universe
            and product["quote_currency"] in QUOTES
            # auction books (BTCAUCTION-USD) have the same currencies under another id
            and product["product_id"] == f"{product['base_currency']}-{product['quote_currency']}"
        )
        yield parsed

    yield from run.pull(PRODUCTS, "*", None, listing)
    if not product_ids:
        run.stop(f"no curated product in the list ({len(run.universe)} codes known)")
    wanted = run.wanted(product_ids)
    yield from candles.pull(
        run, CANDLES, wanted, window, partial(_pages, run), is_newest_first=True
    )


def _pages(run: Extraction, product_id: str, interval: str, window: Window) -> Iterator[Parsed]:
    length_s = candles.INTERVAL_S[interval]
    for start, end in candles.spans(window, interval, PAGE_BUCKETS):
        payload = run.client.get_json(
            f"products/{product_id}/candles",
            {
                "granularity": length_s,
                "start": start.isoformat(),
                "end": (end - timedelta(seconds=length_s)).isoformat(),
            },
        )
        parsed = parse.candles(payload, product_id, length_s, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", start, end)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and the pages of each product; products may be fewer."""
    products = run.at_most(len(run.universe) * len(QUOTES))
    return [Share(PRODUCTS, 1), *candles.shares(run, CANDLES, window, products, PAGE_BUCKETS)]


SOURCE = Source(
    name="coinbase",
    title="Coinbase Exchange",
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
