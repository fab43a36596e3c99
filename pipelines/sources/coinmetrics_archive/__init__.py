"""Coin Metrics' CSV archive: years of metrics in one request an asset, for backfills.

It holds metrics that the community API no longer gives, and probably ends in May 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pipelines.core.windows import DAY, Window
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget, RequestRefused
from pipelines.sources.coinmetrics_archive import parse
from pipelines.sources.coinmetrics_archive.tables import ASSET_METRICS

BASE_URL = "https://raw.githubusercontent.com/coinmetrics/data/master/csv"
BUDGET = Budget(requests_per_second=2.0, burst=2)
LOOK_BACK_D = 0
LICENCE = "CC BY-NC 4.0: non-commercial use, with attribution"

# two users report that the files end here, without an official notice: what is younger is asked
# from the API alone, so that daily runs do not fetch files of megabytes for nothing
FROZEN_FROM = date(2026, 5, 24)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the metrics of curated assets for the window's days that the archive may have."""
    closed = run.closed(window)
    if closed is None or closed.start >= FROZEN_FROM:
        return
    part = Window(closed.start, min(closed.end, FROZEN_FROM))
    for asset in run.wanted(run.universe):
        yield from run.pull(
            ASSET_METRICS,
            asset,
            part,
            lambda asset=asset: _file(run, asset, part),  # type: ignore[misc]
            reaches=part.start_at,
        )


def _file(run: Extraction, asset: str, window: Window) -> Iterator[Parsed]:
    try:
        text = run.client.get_text(f"{asset}.csv")
    except RequestRefused as problem:
        if problem.status != 404:
            raise
        return  # the archive does not have every asset that the API has
    yield parse.asset_metrics(text, asset, latest=run.fetched_at + DAY, window=window)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: one for each asset's file."""
    closed = run.closed(window)
    if closed is None or closed.start >= FROZEN_FROM:
        return []
    return [Share(ASSET_METRICS, run.at_most(len(run.universe)))]


SOURCE = Source(
    name="coinmetrics_archive",
    title="Coin Metrics archive",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    identity="coinmetrics",
)
