"""What the server knows: the dataset in memory, its clock, and views of both.

Rows are loaded once and rendered once; which of them are visible at the clock's instant is worked
out with NumPy when somebody asks, and kept until the clock is set anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.extraction.candles import INTERVAL_S
from pipelines.sandbox.dataset import TABLES, Dataset, day_start, occurred_by

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
T = TypeVar("T")

DAY_US = 86_400_000_000
# intervals by their seconds: a folder's candles are served whatever lengths the venue itself has
NAME_OF_S = {seconds: name for name, seconds in INTERVAL_S.items()}
_MAX_DECIMALS = 10
# years of minutes, rendered, would fill the memory
_RENDERED_WHOLE = 50_000


class Versions:
    """The versions of one series' rows, ordered by key and then by when they became known."""

    def __init__(self, keys: Ints, known_us: Ints, deleted: NDArray[np.bool_]) -> None:
        """Take rows that are sorted by key and known instant."""
        self.keys = keys
        self._known_us = known_us
        self._deleted = deleted
        self._seen: tuple[int, Ints] | None = None

    def known(self, position: int) -> int:
        """Return since when a row is known, in epoch microseconds."""
        return int(self._known_us[position])

    def at(self, now_us: int) -> Ints:
        """Return the positions of the rows that are served at an instant, ordered by key."""
        if self._seen is not None and self._seen[0] == now_us:
            return self._seen[1]
        visible = np.flatnonzero(self._known_us <= now_us)
        if len(visible):
            keys = self.keys[visible]
            newest = np.append(keys[1:] != keys[:-1], True)
            visible = visible[newest]
            visible = visible[~self._deleted[visible]]
        self._seen = (now_us, visible)
        return visible


@dataclass(frozen=True)
class Candle:
    """One candle as numbers: prices in the quote, volumes, trades."""

    open_s: int
    open: float
    high: float
    low: float
    close: float
    volume_base: float
    volume_quote: float
    trades: int


class CandleSeries:
    """The candles of one market and interval.

    Attributes:
        length_s: how long a candle lasts.
        versions: which rows are served when; its keys are open times in seconds.
        decimals: how many decimals its prices have, at most.
    """

    def __init__(self, frame: pl.DataFrame, length_s: int) -> None:
        """Take the market's rows, sorted by open time and known instant."""
        self.length_s = length_s
        self.versions = Versions(
            frame["open_s"].to_numpy(), frame["known_us"].to_numpy(), frame["gone"].to_numpy()
        )
        self._values = {
            name: frame[name].to_numpy()
            for name in ("open", "high", "low", "close", "volume_base", "volume_quote", "trades")
        }
        self._rendered: dict[str, Sequence[Any]] = {}

    @cached_property
    def decimals(self) -> int:
        """How many decimals the closes need."""
        return decimals_of(self._values["close"])

    def rendered(self, venue: str, render: Callable[[Mapping[str, Any]], Sequence[Any]]) -> Any:
        """Return all rows in a venue's form, rendered once."""
        if venue not in self._rendered:
            columns: dict[str, Any] = dict(self._values)
            columns["open_s"] = self.versions.keys
            self._rendered[venue] = render(columns)
        return self._rendered[venue]

    def rows(
        self,
        venue: str,
        positions: Ints,
        render: Callable[[Mapping[str, Any]], Sequence[Any]],
    ) -> list[Any]:
        """Return some rows in a venue's form; a long series is not rendered whole for them."""
        if len(self.versions.keys) <= _RENDERED_WHOLE:
            rendered = self.rendered(venue, render)
            return [rendered[position] for position in positions.tolist()]
        columns: dict[str, Any] = {name: values[positions] for name, values in self._values.items()}
        columns["open_s"] = self.versions.keys[positions]
        return list(render(columns))

    def candle(self, position: int) -> Candle:
        """Return one row as numbers."""
        row = {name: values[position].item() for name, values in self._values.items()}
        return Candle(open_s=int(self.versions.keys[position]), **row)

    def running(self, now_us: int) -> Candle | None:
        """Return the open candle at an instant, as far as it has come; None without data."""
        length_us = self.length_s * 1_000_000
        open_s = now_us // length_us * self.length_s
        position = int(np.searchsorted(self.versions.keys, open_s))
        if position == len(self.versions.keys) or self.versions.keys[position] != open_s:
            return None
        # a row that comes late was not to be had while it ran either
        if self.versions.known(position) > open_s * 1_000_000 + length_us:
            return None
        return so_far(
            self.candle(position), (now_us - open_s * 1_000_000) / length_us, self.decimals
        )


def so_far(whole: Candle, part: float, decimals: int) -> Candle:
    """Return a candle of which a part (0 to 1) has passed.

    The price is taken to go from the open to the extreme against the day's direction, then to the
    other, then to the close, each in a third of the time.
    """
    first, second = (
        (whole.low, whole.high) if whole.close >= whole.open else (whole.high, whole.low)
    )
    stations = (whole.open, first, second, whole.close)
    times = (0.0, 1 / 3, 2 / 3, 1.0)
    price = round(float(np.interp(part, times, stations)), decimals)
    passed = [station for station, when in zip(stations, times, strict=True) if when <= part]
    high, low = max(*passed, price, whole.open), min(*passed, price, whole.open)
    base = round(whole.volume_base * part, 8)
    paid = min(max((whole.open + high + low + price) / 4, low), high)
    return Candle(
        open_s=whole.open_s,
        open=whole.open,
        high=high,
        low=low,
        close=price,
        volume_base=base,
        volume_quote=round(base * paid, 8),
        trades=int(whole.trades * part),
    )


def decimals_of(values: Floats) -> int:
    """Return how many decimals the values need, at most ten."""
    finite = values[np.isfinite(values)]
    for decimals in range(_MAX_DECIMALS):
        if np.allclose(finite, np.round(finite, decimals), rtol=1e-12, atol=1e-13):
            return decimals
    return _MAX_DECIMALS


@dataclass(frozen=True)
class Listing:
    """A market as the venue lists it at the clock's instant."""

    symbol: str
    base_code: str
    quote_code: str
    base_class: str | None
    listed_day: date
    delisted_day: date | None
    status: str | None
    today: date

    @property
    def is_delisted(self) -> bool:
        """True once its last day is over."""
        return self.delisted_day is not None and self.delisted_day < self.today


class State:
    """The dataset and the clock.

    Attributes:
        dataset: what is served.
    """

    def __init__(self, dataset: Dataset, now: datetime | None = None) -> None:
        """Load the candles; everything else waits until it is asked for."""
        self.dataset = dataset
        self._now = (now or dataset.now).astimezone(UTC)
        self._cache: dict[Hashable, Any] = {}
        self._kept: dict[Hashable, Any] = {}
        self._series: dict[tuple[str, str, str], CandleSeries] = {}
        self._candles = _candle_rows(dataset)
        self._slices = {
            (venue, symbol, interval): (first, length)
            for venue, symbol, interval, first, length in self._candles.with_row_index()
            .group_by("venue", "symbol", "interval", maintain_order=True)
            .agg(pl.col("index").first(), pl.len())
            .iter_rows()
        }

    @property
    def now(self) -> datetime:
        """The clock's instant, in UTC."""
        return self._now

    @property
    def now_us(self) -> int:
        """The clock's instant in epoch microseconds."""
        return (self._now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    @property
    def today(self) -> date:
        """The clock's UTC day."""
        return self._now.date()

    def set_clock(self, now: datetime) -> None:
        """Move the clock: answers are from then on those of the new instant."""
        self._now = now.astimezone(UTC)
        self._cache.clear()

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` makes, made once until the clock moves."""
        if key not in self._cache:
            self._cache[key] = make()
        value: T = self._cache[key]
        return value

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` makes, made once for good."""
        if key not in self._kept:
            self._kept[key] = make()
        value: T = self._kept[key]
        return value

    def candles(self, venue: str, symbol: str, interval: str | None) -> CandleSeries | None:
        """Return a market's candles, or None if the dataset has none of that interval."""
        if interval is None or (venue, symbol, interval) not in self._slices:
            return None
        key = (venue, symbol, interval)
        if key not in self._series:
            first, length = self._slices[key]
            self._series[key] = CandleSeries(
                self._candles.slice(first, length), INTERVAL_S[interval]
            )
        return self._series[key]

    def any_candles(self, venue: str, symbol: str) -> CandleSeries | None:
        """Return a market's longest candles, for what is the same of all lengths."""
        found = (self.candles(venue, symbol, name) for name in reversed(INTERVAL_S))
        return next((series for series in found if series is not None), None)

    def listings(self, venue: str) -> dict[str, Listing]:
        """Return the venue's markets by symbol, as listed at the clock's instant."""
        return self.cached(("listings", venue), lambda: self._listings(venue))

    def frame(self, table: str) -> pl.DataFrame:
        """Return a table's rows with `known_us` and `gone`, sorted by key and known instant."""
        return versioned_rows(self.dataset, table)

    def visible(self, table: str) -> pl.DataFrame:
        """Return a small table's rows as they are served at the clock's instant."""
        layout = TABLES[table]
        return self.cached(
            ("visible", table),
            lambda: (
                self.frame(table)
                .filter(pl.col("known_us") <= self.now_us)
                .unique(layout.key, keep="last", maintain_order=True)
                .filter(~pl.col("gone"))
            ),
        )

    def _listings(self, venue: str) -> dict[str, Listing]:
        classes = dict(
            self.dataset.table("assets").select("asset_id", "asset_class").collect().iter_rows()
        )
        rows = self.visible("markets").filter(pl.col("venue") == venue).sort("listed_day")
        return {
            row["symbol"]: Listing(
                symbol=row["symbol"],
                base_code=row["base_code"],
                quote_code=row["quote_code"],
                base_class=classes.get(row["base_asset_id"]),
                listed_day=row["listed_day"],
                delisted_day=row["delisted_day"],
                status=row["status"],
                today=self.today,
            )
            # of two listings of one symbol the later one counts
            for row in rows.iter_rows(named=True)
        }


def versioned_rows(dataset: Dataset, table: str) -> pl.DataFrame:
    """Return a table's rows with `known_us` and `gone`, sorted by key and known instant."""
    layout = TABLES[table]
    over = occurred_by(layout)
    known = pl.col("known_at") if over is None else pl.coalesce("known_at", over)
    return (
        dataset.table(table)
        .with_columns(
            known_us=known.dt.epoch("us").fill_null(0),
            gone=pl.col("is_deleted").fill_null(False),
        )
        .drop("known_at", "is_deleted")
        .sort(*layout.key, "known_us")
        .collect()
    )


def _candle_rows(dataset: Dataset) -> pl.DataFrame:
    typical = (pl.col("high") + pl.col("low") + pl.col("close")) / 3
    listed = dataset.table("markets").group_by("venue", "symbol").agg(pl.col("listed_day").min())
    rows = versioned_rows(dataset, "candles").join(
        listed.collect(), on=["venue", "symbol"], maintain_order="left"
    )
    # no venue has candles of a market that it has not listed yet
    rows = rows.filter(pl.col("open_time") >= day_start(pl.col("listed_day"))).drop("listed_day")
    return rows.with_columns(
        open_s=pl.col("open_time").dt.epoch("s"),
        # the formats have no way to say unknown
        volume_quote=pl.coalesce("volume_quote", pl.col("volume_base") * typical),
        trades=pl.col("trades").fill_null(0),
    )
