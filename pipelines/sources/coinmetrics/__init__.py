"""Coin Metrics community: daily on-chain and market metrics of assets, and their catalogue.

The catalogue says what the host lets us read: one metric that is not free fails a whole request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from pipelines.core.payload import PayloadError
from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share, pages
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget
from pipelines.sources.coinmetrics import parse
from pipelines.sources.coinmetrics.tables import ASSET_METRICS, CATALOG

BASE_URL = "https://community-api.coinmetrics.io"
# 10 requests in a sliding window of 6 seconds: with a burst, the window would hold more
BUDGET = Budget(requests_per_second=1.5)
# reorganisations and relabelled flows restate the last days
LOOK_BACK_D = 7
LICENCE = "CC BY-NC 4.0: non-commercial use, with attribution"

FREQUENCY = "1d"
PAGE_ROWS = 10_000
# entries of a page of the catalogue are assets, of which there are some 4,000
MAX_CATALOG_PAGES = 2
# one request names this many assets; the URL may have 10,000 characters
BATCH_ASSETS = 50
METRICS = (
    "AdrActCnt",
    "BlkCnt",
    "CapMVRVCur",
    "CapMrktCurUSD",
    "CapMrktEstUSD",
    "FeeTotNtv",
    "HashRate",
    "IssTotNtv",
    "IssTotUSD",
    "PriceUSD",
    "ReferenceRateUSD",
    "SplyCur",
    "TxCnt",
    "TxTfrCnt",
)


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the catalogue, and the metrics of curated assets for the closed days of the window."""
    readable: dict[str, set[str]] = {}

    def listing() -> Iterator[Parsed]:
        params = {"metrics": ",".join(METRICS), "page_size": PAGE_ROWS}
        for payload in _answers(run, "v4/catalog-v2/asset-metrics", params):
            page = parse.catalog(payload)
            for series in page.rows.to_pylist():
                if series["asset"] in run.universe and series["frequency"] == FREQUENCY:
                    readable.setdefault(series["asset"], set()).add(series["metric"])
            yield page

    yield from run.pull(CATALOG, "*", None, listing)
    if not readable:
        run.stop(f"no curated asset in the catalogue ({len(run.universe)} ids known)")
    closed = run.closed(window)
    if closed is None:
        return
    assets = run.wanted(readable)
    run.settle(ASSET_METRICS, ceil(len(assets) / BATCH_ASSETS))
    for first in range(0, len(assets), BATCH_ASSETS):
        batch = assets[first : first + BATCH_ASSETS]
        metrics = sorted(set().union(*(readable[asset] for asset in batch)))
        yield from run.pull(
            ASSET_METRICS,
            batch,
            closed,
            lambda batch=batch, metrics=metrics: _pages(run, batch, metrics, closed),  # type: ignore[misc]
            reaches=start_of(closed.last),
        )


def _pages(
    run: Extraction, assets: list[str], metrics: list[str], window: Window
) -> Iterator[Parsed]:
    params = {
        "assets": ",".join(assets),
        "metrics": ",".join(metrics),
        "frequency": FREQUENCY,
        "start_time": window.start.isoformat(),
        "end_time": window.last.isoformat(),
        "page_size": PAGE_ROWS,
        "paging_from": "start",
        "ignore_forbidden_errors": "true",
        "ignore_unsupported_errors": "true",
    }
    for payload in _answers(run, "v4/timeseries/asset-metrics", params):
        page = parse.asset_metrics(payload, metrics, latest=run.fetched_at + DAY)
        yield page.between("time", window.start_at, window.end_at)


def _answers(run: Extraction, path: str, params: Mapping[str, object]) -> Iterator[object]:
    """Yield one payload after the other, as each names the URL of the next."""
    asked = {path}
    payload = run.client.get_json(path, params)
    yield payload
    while (url := parse.next_page(payload)) is not None:
        if url in asked:
            raise PayloadError(f"{path}: the next page is one that was read already")
        asked.add(url)
        payload = run.client.get_json(url)
        yield payload


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the catalogue, and the pages of each batch of assets."""
    shares = [Share(CATALOG, MAX_CATALOG_PAGES)]
    if (closed := run.closed(window)) is not None:
        assets = run.at_most(len(run.universe))
        # a page that is full does not say that it is the last
        each = pages(min(assets, BATCH_ASSETS) * closed.day_count + 1, PAGE_ROWS)
        batches = ceil(assets / BATCH_ASSETS)
        shares.append(Share(ASSET_METRICS, batches, each, is_bound=True))
    return shares


SOURCE = Source(
    name="coinmetrics",
    title="Coin Metrics community",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
