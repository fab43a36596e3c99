"""CoinGecko: supply and valuation of coins as of today, their daily prices, categories.

Supply and fully diluted valuation have no history here: a day that is not captured is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestRefused, SourceUnavailable
from pipelines.sources.coingecko import parse
from pipelines.sources.coingecko.settings import (
    BASE_URL,
    BATCH_COINS,
    BUDGET,
    CURRENCY,
    DAILY_FROM_D,
    KEY_HEADER,
    LICENCE,
    LOOK_BACK_D,
    PAGE_ROWS,
    REACH_D,
    TOP_PAGES,
)
from pipelines.sources.coingecko.tables import CATEGORIES, MARKET_CHART, MARKETS


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield today's markets and categories, and curated coins' charts for the closed days."""
    wanted = run.wanted(run.universe)
    seen: set[str] = set()
    # not logged as '*': a coin that leaves the top is not deleted
    top = f"top {TOP_PAGES * PAGE_ROWS}"
    yield from run.pull(MARKETS, top, None, lambda: _top(run, seen))
    missing = [coin_id for coin_id in wanted if coin_id not in seen]
    run.settle(MARKETS, TOP_PAGES + ceil(len(missing) / BATCH_COINS))
    for first in range(0, len(missing), BATCH_COINS):
        batch = missing[first : first + BATCH_COINS]
        yield from run.pull(MARKETS, batch, None, lambda batch=batch: _named(run, batch, seen))  # type: ignore[misc]
    if run.wants(CATEGORIES):
        yield from run.pull(CATEGORIES, "*", None, lambda: _categories(run))
    closed = run.closed(window, reach_d=REACH_D)
    if closed is None:
        return
    # a day's close is the point labelled with the midnight that ends it
    labels = Window(closed.start + DAY, closed.end + DAY)
    # what CoinGecko does not list has no chart either; without any list all are asked for
    listed = [coin_id for coin_id in wanted if coin_id in seen] or wanted
    run.settle(MARKET_CHART, len(listed))
    for coin_id in listed:
        yield from run.pull(
            MARKET_CHART,
            coin_id,
            labels,
            lambda coin_id=coin_id: _chart(run, coin_id, labels),  # type: ignore[misc]
            reaches=start_of(labels.last),
        )


def _top(run: Extraction, seen: set[str]) -> Iterator[Parsed]:
    for page in range(1, TOP_PAGES + 1):
        payload = _get(
            run,
            "coins/markets",
            {
                "vs_currency": CURRENCY,
                "order": "market_cap_desc",
                "per_page": PAGE_ROWS,
                "page": page,
            },
        )
        yield from _fresh(run, payload, seen)
        if len(payload) < PAGE_ROWS:
            return


def _named(run: Extraction, coin_ids: Sequence[str], seen: set[str]) -> Iterator[Parsed]:
    payload = _get(
        run,
        "coins/markets",
        {"vs_currency": CURRENCY, "ids": ",".join(coin_ids), "per_page": PAGE_ROWS},
    )
    yield from _fresh(run, payload, seen)


def _fresh(run: Extraction, payload: object, seen: set[str]) -> Iterator[Parsed]:
    parsed = parse.markets(payload, seen, latest=run.fetched_at + DAY)
    seen.update(parsed.rows["coin_id"].to_pylist())
    yield parsed


def _categories(run: Extraction) -> Iterator[Parsed]:
    yield parse.categories(_get(run, "coins/categories"), latest=run.fetched_at + DAY)


def _chart(run: Extraction, coin_id: str, labels: Window) -> Iterator[Parsed]:
    # asked with more days than wanted where these are few: only then the points are daily
    earliest = run.fetched_at.date() - (REACH_D - 1) * DAY
    start = min(labels.start, max(labels.end - DAILY_FROM_D * DAY, earliest))
    last = max(labels.last, start + (DAILY_FROM_D - 1) * DAY)
    payload = _get(
        run,
        f"coins/{coin_id}/market_chart/range",
        {
            "vs_currency": CURRENCY,
            "from": int(start_of(start).timestamp()),
            # an hour more: the last midnight itself must be inside
            "to": int(start_of(last).timestamp()) + 3600,
        },
    )
    parsed = parse.market_chart(payload, coin_id, latest=run.fetched_at + DAY)
    yield parsed.between("label_time", labels.start_at, labels.end_at)


def _get(run: Extraction, path: str, params: Mapping[str, Any] | None = None) -> Any:
    """Ask; what is wrong with the key is wrong with every request that would follow."""
    try:
        return run.client.get_json(path, params)
    except RequestRefused as problem:
        if parse.is_about_the_key(problem.body):
            raise SourceUnavailable(str(problem), status=problem.status) from problem
        raise


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the largest coins, the curated ones below them, a chart of each."""
    coins = run.at_most(len(run.universe))
    shares = [
        Share(MARKETS, TOP_PAGES + ceil(coins / BATCH_COINS), is_bound=True),
        Share(CATEGORIES, 1),
    ]
    if run.closed(window, reach_d=REACH_D) is not None:
        shares.append(Share(MARKET_CHART, coins, is_bound=True))
    return shares


SOURCE = Source(
    name="coingecko",
    title="CoinGecko",
    kind="aggregator",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
    key_header=KEY_HEADER,
)
