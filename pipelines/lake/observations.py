"""The raw rows that speak of one series on one day, each with the load that brought it.

Only the files that the catalog dates on that day are read, and of these only the rows asked for.
Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import sources
from pipelines.core.files import naming
from pipelines.core.settings import Settings
from pipelines.core.tables import FETCHED_AT, Table
from pipelines.core.windows import DAY, start_of
from pipelines.extraction.candles import intraday
from pipelines.lake import storage
from pipelines.lake.catalog import LOAD_ID, listed_files

_REMEDY = "`tokenmart lake mend` says what can be had again."


@dataclass(frozen=True, slots=True)
class Observation:
    """A raw row.

    Attributes:
        source: whose answer it is from.
        table: the raw table.
        load_id: the load that brought it.
        fetched_at: the run's clock when it was asked for.
        label_at: the instant by which the source names what it speaks of.
        series: what the source calls it: a market, a coin.
        path: its file below the lake.
        values: all that was landed of it.
    """

    source: str
    table: str
    load_id: str
    fetched_at: datetime
    label_at: datetime
    series: str
    path: str
    values: dict[str, Any]


class Observations:
    """The lake as it was known at an instant.

    Args:
        settings: where it is.
        known_at: what was fetched later is left out.

    Raises:
        LakeAbsent: there is no lake here.
    """

    def __init__(self, settings: Settings, known_at: datetime) -> None:
        self._file_system, self._root = storage.bucket(settings)
        listed = listed_files(settings)
        if listed is None:
            raise LakeAbsent("the lake is not at hand")
        self._files, self._known_at = listed, known_at

    def of_coin(self, source: str, codes: Sequence[str], day: date) -> Iterator[Observation]:
        """Yield what a source says of a coin on a day: its candles of each market, or its series.

        Args:
            source: the source.
            codes: what it calls the coin.
            day: the day, UTC.
        """
        tables = sources.tables(source)
        venue = [table for table in tables if table.candle is not None]
        for table in venue:
            markets = self._markets(source, codes, day)
            # a day is added up from shorter candles where the venue has none of its own
            yield from self._rows(source, table, markets, day) or self._rows(
                source, replace(intraday(table), candle=table.candle), markets, day
            )
        for table in tables if not venue else ():
            if table.time_column is not None:
                yield from self._rows(source, table, codes, day)

    def _markets(self, source: str, codes: Sequence[str], day: date) -> list[str]:
        """Return the names of a coin's spot markets, by the lists around the day."""
        names: set[str] = set()
        for table in sources.tables(source):
            if table.market is None or table.listing is None:
                continue
            names |= {
                name
                for rows in self._lists(source, table, day)
                for name in rows.sql(
                    f"select {table.listing.names[-1]} as name, {table.market.base} as code "  # noqa: S608  # declared
                    f"from self where {table.market.is_spot}"
                ).filter(pl.col("code").is_in(list(codes)))["name"]
            }
        return sorted(names)

    def _lists(self, source: str, table: Table, day: date) -> Iterator[pl.DataFrame]:
        """Yield the last list before the day's end, the first one after it and the newest."""
        lists = self._of(source, table).sort("fetched_at")
        is_later = pl.col("fetched_at") >= start_of(day) + DAY
        chosen = pl.concat(
            [lists.filter(~is_later).tail(1), lists.filter(is_later).head(1), lists.tail(1)]
        )
        for path in chosen["path"].unique():
            yield cast("pl.DataFrame", pl.from_arrow(self._read(path)))

    def _of(self, source: str, table: Table) -> pl.DataFrame:
        return self._files.filter(
            pl.col("source") == source,
            pl.col("table_name") == table.name,
            pl.col("fetched_at") <= self._known_at,
        )

    def _rows(
        self, source: str, table: Table, series: Sequence[str], day: date
    ) -> list[Observation]:
        label = cast("str", table.time_column)
        conventions = table.timing.conventions if table.timing else ()
        meanings = {convention.meaning for convention in conventions}
        begin, end = start_of(day), start_of(day) + DAY
        # the state at an instant closes the day before it
        after = ">" if meanings == {"point_in_time"} else ">="
        before = "<=" if "point_in_time" in meanings else "<"
        wanted = [
            (table.series, "in", list(series)),
            (label, after, begin),
            (label, before, end),
            (FETCHED_AT.name, "<=", self._known_at),
        ]
        files = self._of(source, table).filter(
            pl.col("newest_at") >= begin, pl.col("oldest_at") <= end
        )
        found = []
        for path in files["path"].unique().sort() if series else ():
            rows = self._read(path, filters=wanted)
            found += [self._observation(source, table, path, row) for row in rows.to_pylist()]
        return sorted(found, key=lambda row: (row.series, row.label_at, row.fetched_at))

    def _read(self, path: str, **options: Any) -> pa.Table:
        with (
            naming(path, "what a load brought", _REMEDY, OSError, pa.ArrowException),
            self._file_system.open(f"{self._root}/{path}", "rb") as file,
        ):
            return pq.read_table(file, **options)

    def _observation(
        self, source: str, table: Table, path: str, row: dict[str, Any]
    ) -> Observation:
        return Observation(
            source=source,
            table=table.name,
            load_id=str(row.pop(LOAD_ID)),
            fetched_at=row.pop(FETCHED_AT.name),
            label_at=row[cast("str", table.time_column)],
            series=row[table.series],
            path=path,
            values=row,
        )


class LakeAbsent(Exception):
    """There is no lake where the settings say that it is."""
