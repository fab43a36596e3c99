"""European Central Bank: euro reference rates, for coins pegged to other currencies.

SDMX web service, one request for all currencies, no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.core.windows import DAY, Window, start_of
from pipelines.extraction.parsing import Parsed
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import RequestRefused
from pipelines.sources.ecb import parse
from pipelines.sources.ecb.settings import (
    BASE_URL,
    BUDGET,
    CURRENCIES,
    FLOW,
    LICENCE,
    LOOK_BACK_D,
    MAX_GAP_D,
    SERIES,
)
from pipelines.sources.ecb.tables import EXCHANGE_RATES


def extract(run: Extraction, window: Window) -> Iterator[Item]:
    """Yield the reference rates of the closed days of the window."""
    closed = run.closed(window)
    if closed is None:
        return
    currencies = run.wanted(CURRENCIES)
    if currencies:
        yield from run.pull(
            EXCHANGE_RATES,
            currencies,
            closed,
            lambda: _rates(run, currencies, closed),
            reaches=start_of(closed.last - MAX_GAP_D * DAY),
        )


def _rates(run: Extraction, currencies: list[str], window: Window) -> Iterator[Parsed]:
    series = SERIES.format(currencies="+".join(currencies))
    try:
        text = run.client.get_text(
            f"data/{FLOW}/{series}",
            {
                "startPeriod": window.start.isoformat(),
                "endPeriod": window.last.isoformat(),
                "format": "csvdata",
                "detail": "dataonly",
            },
        )
    except RequestRefused as problem:
        if problem.status != 404:
            raise
        text = ""  # "No results found": a window of holidays
    parsed = parse.exchange_rates(text, latest=run.fetched_at + DAY)
    yield parsed.between("day_time", window.start_at, window.end_at)


def plan(run: Extraction, window: Window) -> Sequence[Share]:
    """Count the requests: one for all currencies and days."""
    return [Share(EXCHANGE_RATES, 1)] if run.closed(window) else []


SOURCE = Source(
    name="ecb",
    title="ECB reference rates",
    kind="reference",
    base_url=BASE_URL,
    budget=BUDGET,
    look_back_d=LOOK_BACK_D,
    extract=extract,
    plan=plan,
    licence=LICENCE,
)
