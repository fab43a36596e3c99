"""DefiLlama yields: pools with TVL and APY, split into base and reward, and their history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget
from pipelines.sources.defillama_yields import parse
from pipelines.sources.defillama_yields.tables import POOL_CHART, POOLS

BASE_URL = "https://yields.llama.fi"
# no number is published; two a second has never been refused
BUDGET = Budget(requests_per_second=2.0, burst=2)
# the last record of a day replaces the earlier ones of that day
LOOK_BACK_D = 3
LICENCE = "DefiLlama API terms: free use with attribution"

# pools whose history is asked for: of curated projects the largest, from this size on, in dollars
POOL_FROM_USD = 10_000_000
MAX_POOLS = 150


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield today's pools, and the history of the largest curated ones on the closed days."""
    sizes: dict[str, Decimal] = {}

    def listing() -> Iterator[Parsed]:
        parsed = parse.pools(run.client.get_json("pools"))
        sizes.update(
            (pool["pool"], pool["tvl_usd"] or Decimal(0))
            for pool in parsed.rows.to_pylist()
            if _is_curated(pool["project"], run.universe)
        )
        yield parsed

    yield from run.pull(POOLS, "*", None, listing)
    closed = run.closed(window)
    if closed is None:
        return
    large = [pool for pool, size in sizes.items() if size >= POOL_FROM_USD]
    largest = sorted(large, key=lambda pool: (-sizes[pool], pool))[:MAX_POOLS]
    wanted = run.wanted(largest if run.only is None else sizes)
    run.settle(POOL_CHART, len(wanted))
    for pool in wanted:
        yield from run.pull(
            POOL_CHART,
            pool,
            closed,
            lambda pool=pool: _chart(run, pool, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _is_curated(project: str, slugs: frozenset[str]) -> bool:
    """Tell whether the project is a curated protocol or of a curated family: uniswap-v3."""
    return any(project == slug or project.startswith(f"{slug}-") for slug in slugs)


def _chart(run: Extraction, pool: str, window: Window) -> Iterator[Parsed]:
    parsed = parse.pool_chart(run.client.get_json(f"chart/{pool}"), pool, run.fetched_at + DAY)
    yield parsed.between("day_time", window.start_at, window.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the list, and a history of each large pool."""
    pools = MAX_POOLS if run.only is None else len(run.only)
    charts = [Share(POOL_CHART, pools, is_bound=True)] if run.closed(window) else []
    return [Share(POOLS, 1), *charts]


SOURCE = Source(
    name="defillama_yields",
    title="DefiLlama yields",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    identity="defillama",
)
