"""Candles of several lengths: those of a day, and shorter ones where wanted.

Venues spell lengths in their own words, and their sources know these. What a day's candle is made
of where a venue or a recording has hours only is landed beside the daily candles, in a raw table
of its own and one shape: dbt adds it up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines.core.tables import Column, Convention, Grid, Restated, Table, Timing
from pipelines.extraction.planning import Share, pages

if TYPE_CHECKING:
    from pipelines.core.windows import Window
    from pipelines.extraction.parsing import Parsed
    from pipelines.extraction.run import Extraction, Item

# how long a candle of each length lasts
INTERVAL_S = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
}
DAILY = "1d"
SHORTER = frozenset(INTERVAL_S) - {DAILY}
DAY_S = INTERVAL_S[DAILY]
_SUFFIX = "_intraday"
# the column of the shorter ones with their length, in seconds
LENGTH = "length_s"

# asks for the candles of one length of a symbol and yields rows of the table of daily ones
Pages = Callable[[str, str, "Window"], Iterable["Parsed"]]


def daily(note: str, *, reach_d: int | None = None) -> Timing:
    """Return when a venue's candles come: one for each day, named by its first instant.

    Args:
        note: what is to be known of the label, and of the candle that still runs.
        reach_d: how many candles back the venue can be asked, where it forgets.
    """
    opens = Convention("interval_start", note)
    return Timing((opens,), publish_lag_h=1, ttl_d=3, revises_for_d=3, reach_d=reach_d)


# a venue corrects a close, of whichever length; the daily bars rest on it
RESTATED = Restated((("close", "price"),), mart="ohlcv_daily")


def intraday(daily: Table) -> Table:
    """Return the raw table of the shorter candles that go with a table of daily ones."""
    note, timing = "open time; where hours or minutes are wanted", daily.timing
    reach_d = timing.reach_d if timing else None
    return Table(
        name=f"{daily.name}{_SUFFIX}",
        description="Candles of less than a day, where wanted; days without a candle of their own "
        "are added up from them. One row per series and open time.",
        key=("series_id", "open_time"),
        entity=f"{daily.entity}{_SUFFIX}",
        timing=Timing(
            (Convention("interval_start", note),),
            publish_lag_h=1,
            revises_for_d=3,
            # of hours; shorter ones are forgotten sooner
            reach_d=reach_d and reach_d // 24,
        ),
        grid=Grid(length=LENGTH),
        restated=RESTATED,
        columns=(
            Column("series_id", "text", "What was asked for and how long it lasts: BTC-USD 1h."),
            Column(LENGTH, "integer", "Length of the candle, in seconds.", above=0),
            *daily.columns,
        ),
    )


def series_of(table_name: str, entities: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the symbols that the ids of a table's series name, and the lengths of shorter ones."""
    if not table_name.endswith(_SUFFIX):
        return sorted(entities), []
    parts = [entity.rpartition(" ") for entity in entities]
    return sorted({symbol for symbol, _, _ in parts}), sorted({length for _, _, length in parts})


def spans(window: Window, interval: str, rows: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield consecutive half-open spans of at most so many candles, oldest first."""
    start, step = window.start_at, rows * timedelta(seconds=INTERVAL_S[interval])
    while start < window.end_at:
        end = min(start + step, window.end_at)
        yield start, end
        start = end


def count(window: Window, interval: str) -> int:
    """Return how many candles of the length the window holds."""
    return window.day_count * (DAY_S // INTERVAL_S[interval])


def pull(
    run: Extraction,
    daily: Table,
    symbols: Sequence[str],
    window: Window,
    ask: Pages,
    *,
    is_newest_first: bool = False,
    reach_rows: int | None = None,
) -> Iterator[Item]:
    """Yield the closed candles of the symbols in the window, of all lengths wanted.

    All daily candles come first: they must not wait for a long history of minutes, nor fail with
    it.

    Args:
        run: the extraction.
        daily: the raw table of daily candles.
        symbols: what to ask for.
        window: the days asked for.
        ask: asks the venue.
        is_newest_first: an answer that begins late may have been cut off.
        reach_rows: how many candles of any length can be had; None: all.
    """
    shorter = intraday(daily)
    run.settle(daily, len(symbols))
    run.settle(shorter, len(symbols))
    for interval in (DAILY, *run.intervals):
        closed = _closed(run, window, interval, reach_rows)
        if closed is None:
            continue
        is_daily = interval == DAILY
        for symbol in symbols:
            series_id = symbol if is_daily else f"{symbol} {interval}"
            rows: Callable[[], Iterable[Parsed]] = partial(ask, symbol, interval, closed)
            if not is_daily:
                rows = partial(_shorter, rows, daily, shorter, series_id, interval)
            yield from run.pull(
                daily if is_daily else shorter,
                series_id,
                closed,
                rows,
                reaches=closed.end_at - timedelta(seconds=INTERVAL_S[interval]),
                begins=closed.start_at if is_newest_first else None,
                # a repair of days wants no hours, and then none are wanted at all
                is_needed=not is_daily,
            )


def shares(
    run: Extraction,
    daily: Table,
    window: Window,
    symbols: int,
    page_rows: int,
    *,
    extra: int = 0,
    reach_rows: int | None = None,
) -> list[Share]:
    """Count the requests of `pull` for so many symbols at the most, pages of so many candles."""
    found = []
    for interval in (DAILY, *run.intervals):
        closed = _closed(run, window, interval, reach_rows)
        if closed is not None:
            is_daily = interval == DAILY
            found.append(
                Share(
                    daily if is_daily else intraday(daily),
                    symbols,
                    pages(count(closed, interval), page_rows) + extra,
                    is_bound=True,
                    is_needed=not is_daily,
                )
            )
    return found


def _closed(
    run: Extraction, window: Window, interval: str, reach_rows: int | None
) -> Window | None:
    if reach_rows is None:
        return run.closed(window)
    return run.closed(window, reach_d=reach_rows * INTERVAL_S[interval] // DAY_S)


def _shorter(
    ask: Callable[[], Iterable[Parsed]], daily: Table, shorter: Table, series_id: str, interval: str
) -> Iterator[Parsed]:
    """Yield an answer's rows in the daily table's shape as rows of the shorter candles' table."""
    import pyarrow as pa

    said: dict[str, pa.Scalar[Any]] = {
        "series_id": pa.scalar(series_id, pa.string()),
        LENGTH: pa.scalar(INTERVAL_S[interval], pa.int64()),
    }
    for parsed in ask():
        if parsed.table is not daily:
            yield parsed  # such as the files that they came in
            continue
        rows = pa.table({name: pa.repeat(value, parsed.row_count) for name, value in said.items()})
        for field in parsed.rows.schema:
            rows = rows.append_column(field, parsed.rows[field.name])
        yield replace(parsed, table=shorter, rows=rows)
