"""DefiLlama stablecoins: the list, the supply of each coin by chain, daily prices.

Answers hold whole histories; the window decides which days of them are landed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.compute as pc

from pipelines.extraction import Extraction, Incomplete, Item, Source
from pipelines.parsing import Parsed
from pipelines.sources.defillama_stablecoins import parse
from pipelines.sources.defillama_stablecoins.settings import (
    BASE_URL,
    BUDGET,
    LICENCE,
    LOOK_BACK_D,
    TOTAL,
    UNCURATED_FROM_USD,
)
from pipelines.sources.defillama_stablecoins.tables import BALANCES, PRICES, STABLECOINS
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list, and supply and prices of curated or large coins on closed days."""
    coin_ids: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.stablecoins(run.client.get_json("stablecoins"), run.fetched_at)
        coin_ids.extend(
            coin["stablecoin_id"]
            for coin in parsed.rows.to_pylist()
            if coin["stablecoin_id"] in run.universe
            or (coin["circulating_usd"] or 0) >= UNCURATED_FROM_USD
        )
        yield parsed

    yield from run.pull(STABLECOINS, "*", None, listing)
    if not coin_ids:
        run.stop("defillama_stablecoins: the list names no curated coin and no large one")
    closed = run.closed(window)
    if closed is None:
        return
    for coin_id in run.wanted(coin_ids):
        yield from run.pull(
            BALANCES,
            coin_id,
            closed,
            lambda coin_id=coin_id: _balances(run, coin_id, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )
    yield from run.pull(
        PRICES, "*", closed, lambda: _prices(run, closed), reaches=start_of(closed.last)
    )


def _balances(run: Extraction, coin_id: str, window: Window) -> Iterator[Parsed]:
    payload = run.client.get_json(f"stablecoin/{coin_id}")
    parsed = parse.balances(payload, coin_id, latest=run.fetched_at + DAY, window=window)
    fresh = parsed.between("day_time", window.start_at, window.end_at)
    yield fresh
    # a chain may come to an end; the coin's total goes on, unless the answer was cut off
    days = fresh.rows.filter(pc.field("chain") == TOTAL)["day_time"]
    if fresh.row_count and (not len(days) or pc.max(days).as_py() < start_of(window.last)):
        raise Incomplete(f"the total of all chains does not reach {window.last}")


def _prices(run: Extraction, window: Window) -> Iterator[Parsed]:
    payload = run.client.get_json("stablecoinprices")
    parsed = parse.prices(payload, latest=run.fetched_at + DAY, window=window)
    yield parsed.between("day_time", window.start_at, window.end_at)


SOURCE = Source(
    name="defillama_stablecoins",
    title="DefiLlama stablecoins",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    licence=LICENCE,
)
