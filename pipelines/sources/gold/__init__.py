"""The price of gold, for coins pegged to it: National Bank of Poland, price and dollar rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share, pages
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget, RequestRefused
from pipelines.sources.gold import parse
from pipelines.sources.gold.tables import CURRENCY_RATES, PRICES

BASE_URL = "https://api.nbp.pl/api"
# no number is published
BUDGET = Budget(requests_per_second=2.0)
# prices come on Polish working days; the longest holidays have four days
LOOK_BACK_D = 7
LICENCE = "National Bank of Poland: free reuse with the source named"

CURRENCY = "USD"
# a longer range than 93 days is refused (400); for gold both 93 and 367 are named as the limit
MAX_RANGE_D = 90
MAX_GAP_D = 6


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
