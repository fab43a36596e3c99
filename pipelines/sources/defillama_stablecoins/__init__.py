"""DefiLlama stablecoins: the list, supply by coin and chain, daily prices, totals of chains.

Answers hold whole histories; the window decides which days of them are landed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from urllib.parse import quote

import pyarrow.compute as pc

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Incomplete, Item
from pipelines.extraction.source import Source
from pipelines.sources.defillama_stablecoins import parse
from pipelines.sources.defillama_stablecoins.settings import (
    ALL,
    BASE_URL,
    BUDGET,
    CHAIN_FROM_USD,
    LICENCE,
    LOOK_BACK_D,
    MAX_CHAINS,
    MAX_UNCURATED,
    TOTAL,
    UNCURATED_FROM_USD,
)
from pipelines.sources.defillama_stablecoins.tables import (
    BALANCES,
    CHAINS,
    CHARTS,
    PRICES,
    STABLECOINS,
)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the list, and supply and prices of curated or large coins on closed days."""
    coin_ids: list[str] = []

    def listing() -> Iterator[Parsed]:
        parsed = parse.stablecoins(run.client.get_json("stablecoins"), run.fetched_at)
        others: dict[str, Decimal] = {}
        for coin in parsed.rows.to_pylist():
            coin_id, size = coin["stablecoin_id"], coin["circulating_usd"] or Decimal(0)
            if coin_id in run.universe:
                coin_ids.append(coin_id)
            elif size >= UNCURATED_FROM_USD:
                others[coin_id] = size
        coin_ids.extend(sorted(others, key=lambda coin: (-others[coin], coin))[:MAX_UNCURATED])
        yield parsed

    yield from run.pull(STABLECOINS, "*", None, listing)
    if not coin_ids:
        run.stop("the list names no curated coin and no large one")
    closed = run.closed(window)
    if closed is None:
        return
    # supply labelled with a midnight is that at the end of the day before; a price's label is that
    # midnight or the day itself, which is dated and no matter of the request
    labels = Window(closed.start + DAY, closed.end + DAY)
    either = Window(closed.start, closed.end + DAY)
    wanted = run.wanted(coin_ids)
    run.settle(BALANCES, len(wanted))
    for coin_id in wanted:
        yield from run.pull(
            BALANCES,
            coin_id,
            labels,
            lambda coin_id=coin_id: _balances(run, coin_id, labels),  # type: ignore[misc]
            reaches=start_of(labels.last),
        )
    yield from run.pull(
        PRICES, "*", either, lambda: _prices(run, either), reaches=start_of(closed.last)
    )
    if run.only is not None and run.only_table is None:
        # the user wants some coins, and chains are of all
        return
    sizes: dict[str, Decimal] = {}
    yield from run.pull(CHAINS, "*", None, lambda: _chains(run, sizes))
    large = [chain for chain, usd in sizes.items() if usd >= CHAIN_FROM_USD]
    large = sorted(sorted(large, key=lambda chain: (-sizes[chain], chain))[:MAX_CHAINS])
    run.settle(CHARTS, 1 + len(large))
    for chain in (TOTAL, *large):
        yield from run.pull(
            CHARTS,
            chain,
            labels,
            lambda chain=chain: _charts(run, chain, labels),  # type: ignore[misc]
            reaches=start_of(labels.last),
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


def _chains(run: Extraction, sizes: dict[str, Decimal]) -> Iterator[Parsed]:
    parsed = parse.chains(run.client.get_json("stablecoinchains"))
    for row in parsed.rows.to_pylist():
        sizes[row["chain"]] = sizes.get(row["chain"], Decimal(0)) + row["circulating_usd"]
    yield parsed


def _charts(run: Extraction, chain: str, window: Window) -> Iterator[Parsed]:
    name = ALL if chain == TOTAL else quote(chain, safe="")
    payload = run.client.get_json(f"stablecoincharts/{name}")
    parsed = parse.charts(payload, chain, latest=run.fetched_at + DAY, window=window)
    yield parsed.between("day_time", window.start_at, window.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the lists, and a history of each coin and chain.

    Only the lists say which coins and chains are large.
    """
    shares = [Share(STABLECOINS, 1)]
    if run.closed(window) is None:
        return shares
    coins = run.at_most(len(run.universe) + MAX_UNCURATED)
    shares += [Share(BALANCES, coins, is_bound=True), Share(PRICES, 1)]
    if run.only is None or run.only_table is not None:
        shares += [Share(CHAINS, 1), Share(CHARTS, run.at_most(1 + MAX_CHAINS), is_bound=True)]
    return shares


SOURCE = Source(
    name="defillama_stablecoins",
    title="DefiLlama stablecoins",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
