"""The price of gold, for coins pegged to it: National Bank of Poland, price and dollar rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.extraction import Extraction, Item, Source
from pipelines.http import RequestRefused
from pipelines.parsing import Parsed
from pipelines.planning import Share, pages
from pipelines.sources.gold import parse
from pipelines.sources.gold.settings import (
    BASE_URL,
    BUDGET,
    CURRENCY,
    LICENCE,
    LOOK_BACK_D,
    MAX_GAP_D,
    MAX_RANGE_D,
)
from pipelines.sources.gold.tables import CURRENCY_RATES, PRICES
from pipelines.windows import DAY, Window, start_of


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield prices and dollar rates of the closed days of the window."""
    closed = run.closed(window)
    if closed is None:
        return
    latest = run.fetched_at + DAY
    reaches = start_of(closed.last - MAX_GAP_D * DAY)
    wanted = run.wanted((parse.METAL, CURRENCY))
    if parse.METAL in wanted:
        yield from run.pull(
            PRICES,
            parse.METAL,
            closed,
            lambda: _pages(run, "cenyzlota", closed, lambda body: parse.prices(body, latest)),
            reaches=reaches,
        )
    if CURRENCY in wanted:
        yield from run.pull(
            CURRENCY_RATES,
            CURRENCY,
            closed,
            lambda: _pages(
                run,
                f"exchangerates/rates/a/{CURRENCY.lower()}",
                closed,
                lambda body: parse.currency_rates(body, CURRENCY, latest),
            ),
            reaches=reaches,
        )


def _pages(
    run: Extraction, path: str, window: Window, read: Callable[[Any], Parsed]
) -> Iterator[Parsed]:
    for part in window.chunks(MAX_RANGE_D):
        try:
            body = run.client.get_json(f"{path}/{part.start}/{part.last}", {"format": "json"})
        except RequestRefused as problem:
            if problem.status != 404:
                raise
            continue  # "Brak danych", no data: a range of holidays
        yield read(body).between("day_time", part.start_at, part.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: the pages of both series."""
    if (closed := run.closed(window)) is None:
        return []
    each = pages(closed.day_count, MAX_RANGE_D)
    wanted = {parse.METAL: PRICES, CURRENCY: CURRENCY_RATES}
    return [
        Share(table, 1, each)
        for name, table in wanted.items()
        if run.only is None or name in run.only
    ]


SOURCE = Source(
    name="gold",
    title="National Bank of Poland, gold",
    kind="reference",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
