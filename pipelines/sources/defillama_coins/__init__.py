"""DefiLlama coin prices: a second opinion on the daily close of curated coins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.sources.defillama_coins import parse
from pipelines.sources.defillama_coins.settings import (
    BASE_URL,
    BATCH_COINS,
    BUDGET,
    LICENCE,
    LOOK_BACK_D,
    MAX_POINTS,
    PREFIX,
    SEARCH_WIDTH_H,
)
from pipelines.sources.defillama_coins.tables import PRICES


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the prices of curated coins at the midnights that end the closed days."""
    closed = run.closed(window)
    if closed is None:
        return
    labels = Window(closed.start + DAY, closed.end + DAY)
    coins = run.wanted({f"{PREFIX}{gecko_id}" for gecko_id in run.universe})
    size = _batch_size(labels.day_count)
    for first in range(0, len(coins), size):
        batch = coins[first : first + size]
        yield from run.pull(
            PRICES,
            batch,
            labels,
            lambda batch=batch: _chart(run, batch, labels),  # type: ignore[misc]
            reaches=start_of(labels.last),
        )


def _batch_size(days: int) -> int:
    return max(1, min(BATCH_COINS, MAX_POINTS // days))


def _chart(run: Extraction, coins: list[str], labels: Window) -> Iterator[Parsed]:
    for part in labels.chunks(MAX_POINTS // len(coins)):
        payload = run.client.get_json(
            f"chart/{','.join(coins)}",
            {
                "start": int(part.start_at.timestamp()),
                "span": part.day_count,
                "period": "1d",
                "searchWidth": f"{SEARCH_WIDTH_H}h",
            },
        )
        parsed = parse.chart(payload, latest=run.fetched_at + DAY)
        yield parsed.between("label_time", part.start_at, part.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: coins times days is limited."""
    if (closed := run.closed(window)) is None:
        return []
    coins = run.at_most(len(run.universe))
    size = _batch_size(closed.day_count)
    return [Share(PRICES, ceil(coins / size), ceil(closed.day_count / (MAX_POINTS // size)))]


SOURCE = Source(
    name="defillama_coins",
    title="DefiLlama coin prices",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    identity="coingecko",
)
