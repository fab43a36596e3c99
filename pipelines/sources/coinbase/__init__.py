"""Coinbase Exchange: daily candles and the list of products.

Pages are windows of 300 days, not steps from the last row: buckets without trades are left out, so
an empty page does not mean the end of history.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.extraction import Extraction, Item, Source
from pipelines.parsing import Parsed
from pipelines.planning import Share, pages
from pipelines.sources.coinbase import parse
from pipelines.sources.coinbase.settings import (
    BASE_URL,
    BUDGET,
    GRANULARITY_S,
    LICENCE,
    LOOK_BACK_D,
    PAGE_BUCKETS,
    QUOTES,
)
from pipelines.sources.coinbase.tables import CANDLES, PRODUCTS
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list of products, and the closed daily candles of curated ones in the window."""
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
        run.stop(f"coinbase: no curated product in the list ({len(run.universe)} codes known)")
    closed = run.closed(window)
    if closed is None:
        return
    wanted = run.wanted(product_ids)
    run.settle(CANDLES, len(wanted))
    for product_id in wanted:
        yield from run.pull(
            CANDLES,
            product_id,
            closed,
            lambda product_id=product_id: _pages(run, product_id, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
            begins=closed.start_at,
        )


def _pages(run: Extraction, product_id: str, window: Window) -> Iterator[Parsed]:
    for page in window.chunks(PAGE_BUCKETS):
        payload = run.client.get_json(
            f"products/{product_id}/candles",
            {
                "granularity": GRANULARITY_S,
                "start": page.start_at.isoformat(),
                "end": start_of(page.last).isoformat(),
            },
        )
        parsed = parse.candles(payload, product_id, GRANULARITY_S, latest=run.fetched_at + DAY)
        yield parsed.between("open_time", page.start_at, page.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and the pages of each product; products may be fewer."""
    shares = [Share(PRODUCTS, 1)]
    if (closed := run.closed(window)) is not None:
        products = run.at_most(len(run.universe) * len(QUOTES))
        each = pages(closed.day_count, PAGE_BUCKETS)
        shares.append(Share(CANDLES, products, each, is_bound=True))
    return shares


SOURCE = Source(
    name="coinbase",
    title="Coinbase Exchange",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
