"""blockchain.com charts: daily metrics of Bitcoin, a second opinion on Coin Metrics'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget
from pipelines.sources.blockchain_info import parse
from pipelines.sources.blockchain_info.tables import CHARTS as TABLE

BASE_URL = "https://api.blockchain.info"
# no number is published: one request in two seconds, seven a run
BUDGET = Budget(requests_per_second=0.5)
LOOK_BACK_D = 7
LICENCE = "Blockchain.com API terms: free use with attribution"

# all of Bitcoin; daily
CHARTS = (
    "difficulty",
    "hash-rate",
    "market-price",
    "n-transactions",
    "n-unique-addresses",
    "total-bitcoins",
    "transaction-fees",
)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the charts for the closed days of the window."""
    closed = run.closed(window)
    if closed is None:
        return
    for name in run.wanted(CHARTS):
        yield from run.pull(
            TABLE,
            name,
            closed,
            lambda name=name: _chart(run, name, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _chart(run: Extraction, name: str, window: Window) -> Iterator[Parsed]:
    payload = run.client.get_json(
        f"charts/{name}",
        {
            "start": window.start.isoformat(),
            "timespan": f"{window.day_count}days",
            "format": "json",
            # by default long ranges are thinned to some 1,500 points
            "sampled": "false",
        },
    )
    parsed = parse.chart(payload, name, latest=run.fetched_at + DAY)
    yield parsed.between("day_time", window.start_at, window.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: one for each chart."""
    return [Share(TABLE, run.at_most(len(CHARTS)))] if run.closed(window) else []


SOURCE = Source(
    name="blockchain_info",
    title="Blockchain.com charts",
    kind="chain",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
