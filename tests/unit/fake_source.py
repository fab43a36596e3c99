"""A source without a wire, for tests of what happens around one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.core.tables import Column, Table
from pipelines.core.windows import Window, start_of
from pipelines.extraction.parsing import Parsed, parse_rows
from pipelines.extraction.planning import Share
from pipelines.extraction.run import Extraction, Item
from pipelines.extraction.source import Source
from pipelines.http.client import Budget, Usage

DAILY = Table(
    "daily",
    "One row per symbol and day.",
    (
        Column("symbol", "text", "Symbol."),
        Column("day_time", "timestamp", "Day."),
        Column("price", "decimal", "Price.", above=0),
    ),
    key=("symbol", "day_time"),
)
NAME = "kraken"  # one of the known names: settings refuse others


@dataclass
class FakeClient:
    """Counts; asks nobody."""

    base_url: str = "http://fake"
    usage: Usage = field(default_factory=Usage)

    def spend(self, requests: int = 1, size: int = 10) -> None:
        self.usage = Usage(
            self.usage.request_count + requests,
            self.usage.retry_count + requests - 1,
            0,
            self.usage.byte_count + size,
        )


def days(symbol: str, window: Window, *, price: str = "1.5") -> Parsed:
    """Return one row per day of the window."""
    first = int(window.start_at.timestamp())
    rows = [[symbol, first + 86_400 * day, price] for day in range(window.day_count)]
    return parse_rows(
        DAILY, rows, {"symbol": 0, "day_time": 1, "price": 2}, times={"day_time": "s"}
    )


def daily_source(
    symbols: Iterable[str] = ("A",),
    page: Callable[[str, Window], Parsed] = days,
    name: str = NAME,
) -> Source:
    """Return a source that answers for each symbol with one row per closed day."""

    def extract(run: Extraction, window: Window) -> Iterator[Item]:
        closed = run.closed(window)
        if closed is None:
            return
        for symbol in run.wanted(list(symbols)):
            yield from run.pull(
                DAILY,
                symbol,
                closed,
                lambda symbol=symbol: iter([page(symbol, closed)]),  # type: ignore[misc]
                reaches=start_of(closed.last),
            )

    def plan(_run: Extraction, _window: Window) -> list[Share]:
        return [Share(DAILY, len(symbols))]

    return Source(
        name, "Fake", "spot_venue", "https://fake.example", Budget(1.0), 3, extract, plan, "none"
    )


def use(source: Source) -> dict[str, Any]:
    """Return what to put in place in `pipelines.sources` and `pipelines.extraction.universe`."""
    return {
        "pipelines.sources.source": lambda _name: source,
        "pipelines.sources.tables": lambda _name: (DAILY,),
        "pipelines.extraction.universe.codes": lambda _settings, _name: frozenset({"A"}),
    }


def instant(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


HOUR = timedelta(hours=1)
