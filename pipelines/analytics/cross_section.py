"""Cross-sections as matrices: ranks, rank correlations and quantiles of every day at once.

A row is a day, a column an asset; NaN is unknown. No function mixes two rows, so none can look
ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, AnalyticsError, BoolArray, FloatArray, IntArray

PartArray = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Grid:
    """The days and assets that matrices are made of.

    Attributes:
        days: every calendar day from the first to the last.
        assets: the assets, sorted.
    """

    days: tuple[date, ...]
    assets: tuple[str, ...]

    @classmethod
    def around(cls, *frames: pl.DataFrame) -> Grid:
        """Span the days and assets of frames with ``asset_id`` and ``day``."""
        keys = pl.concat(frame.select(pl.col(ASSET).cast(pl.String), DAY) for frame in frames)
        if keys.is_empty():
            return cls((), ())
        first, last = keys.select(pl.col(DAY).min(), pl.col(DAY).max().alias("last")).row(0)
        days = pl.date_range(first, last, eager=True).to_list()
        return cls(tuple(days), tuple(keys[ASSET].unique().sort().to_list()))

    def locate(self, frame: pl.DataFrame) -> tuple[IntArray, IntArray]:
        """Row and column of each row of a frame.

        Raises:
            AnalyticsError: a key is NULL or stands twice.
        """
        if frame[ASSET].null_count() or frame[DAY].null_count():
            msg = f"{ASSET} and {DAY} must not be NULL"
            raise AnalyticsError(msg)
        rows = (frame[DAY].to_physical() - pl.Series([self.days[0]]).to_physical()[0]).to_numpy()
        number = {asset: column for column, asset in enumerate(self.assets)}
        columns = frame[ASSET].cast(pl.String).replace_strict(number, return_dtype=pl.Int64)
        places = rows.astype(np.int64), columns.to_numpy()
        seen = np.zeros((len(self.days), len(self.assets)), dtype=np.bool_)
        seen[places] = True
        repeated = len(rows) - int(np.count_nonzero(seen))
        if repeated:
            msg = f"{repeated} repeated keys ({ASSET}, {DAY})"
            raise AnalyticsError(msg)
        return places

    def matrices(self, frame: pl.DataFrame, columns: Sequence[str]) -> list[FloatArray]:
        """Matrices of columns of a frame of one row per asset and day; NaN where there is none."""
        shape = (len(self.days), len(self.assets))
        if frame.is_empty():
            return [np.full(shape, np.nan) for _ in columns]
        places = self.locate(frame)
        found = []
        for name in columns:
            matrix = np.full(shape, np.nan)
            matrix[places] = frame[name].cast(pl.Float64).to_numpy()
            found.append(np.where(np.isfinite(matrix), matrix, np.nan))
        return found


@dataclass(frozen=True, slots=True)
class Universe:
    """Who is compared on each day, pushed together: no wider than the day with the most members.

    Attributes:
        assets: days by places: the column of the asset on each place.
        is_taken: which places have one.
    """

    assets: IntArray
    is_taken: BoolArray

    @classmethod
    def of(cls, member: BoolArray) -> Universe:
        """Push the members of each row together."""
        width = int(member.sum(axis=1).max(initial=1))
        assets = np.argsort(~member, axis=1, kind="stable")[:, :width]
        return cls(assets, taken_along(member, assets))

    def narrow(self, values: FloatArray) -> FloatArray:
        """The members' values, days by places; NaN on a place that nobody has."""
        return np.where(self.is_taken, taken_along(values, self.assets), np.nan)


def flat(columns: IntArray, width: int) -> IntArray:
    """Columns of rows as places in a matrix of that width laid out in one line.

    ``matrix.take(flat(...))`` is ``np.take_along_axis`` in a third of its time.
    """
    return columns + np.arange(len(columns), dtype=np.int64)[:, None] * width


def taken_along(values: npt.NDArray[Any], columns: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The cells of each row in the order of its columns."""
    return values.take(flat(columns, values.shape[1]), mode="wrap")


@dataclass(frozen=True, slots=True)
class Ordered:
    """A matrix with the order of each row: any of its cells are ranked without sorting again.

    Attributes:
        ascending: each row from its lowest value up, NaN at the end.
        place: of each cell, where in its row of ``ascending`` it is.
        ranks: from 1 up, equals sharing the mean of theirs; 0 for NaN.
        count: cells of each row that are not NaN.
    """

    ascending: FloatArray
    place: npt.NDArray[np.int32]
    ranks: FloatArray
    count: IntArray

    @classmethod
    def of(cls, values: FloatArray) -> Ordered:
        """Sort each row."""
        order = flat(values.argsort(axis=1), values.shape[1])
        ascending = values.take(order)
        place, ranks = np.empty(values.shape, dtype=np.int32), np.empty_like(values)
        place.put(order, np.broadcast_to(np.arange(values.shape[1]), values.shape))
        ranks.put(order, ranks_in_order(ascending))
        return cls(ascending, place, ranks, (~np.isnan(ascending)).sum(axis=1))


def rank_rows(values: FloatArray) -> FloatArray:
    """Ranks within each row from 1 up, equals sharing the mean of theirs; NaN stays NaN."""
    ranks = Ordered.of(values).ranks
    return np.where(ranks > 0, ranks, np.nan)


def ranks_in_order(ordered: FloatArray, known: BoolArray | None = None) -> FloatArray:
    """``Ordered.ranks`` of rows that ascend.

    Args:
        ordered: ascending values, NaN at the end.
        known: the cells that count; None: all that are not NaN.
    """
    counted = ~np.isnan(ordered) if known is None else known
    # with nothing left out a rank is a place
    ranks = (
        np.where(counted, np.arange(1.0, ordered.shape[1] + 1), 0.0)
        if known is None
        else counted.cumsum(axis=1, dtype=np.float64)
    )
    equal = ordered[:, 1:] == ordered[:, :-1]
    tied = np.flatnonzero(equal.any(axis=1))
    if len(tied):
        first, last = _stretches(equal[tied])
        up_to = ranks[tied]
        before = taken_along(up_to - counted[tied], first)
        ranks[tied] = (before + 1 + taken_along(up_to, last)) / 2
    return ranks * counted


def _stretches(equal: BoolArray) -> tuple[IntArray, IntArray]:
    """First and last place of the stretch of equals that each cell of a row is in.

    Args:
        equal: whether each cell but the first is equal to the one before.
    """
    edge = np.ones((len(equal), 1), dtype=np.bool_)
    places = np.arange(equal.shape[1] + 1)
    first = np.maximum.accumulate(np.where(np.hstack([edge, ~equal]), places, 0), axis=1)
    ends = np.where(np.hstack([~equal, edge]), places, places[-1])
    return first, np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]


def rank_correlation(
    left: FloatArray, right: FloatArray, count: IntArray, *, min_count: int
) -> FloatArray:
    """Pearson correlation of two matrices of ranks, row by row.

    Ranks are whole or half, so their sums and products are exact, and the means may be taken off at
    the end.

    Args:
        left: ranks, 0 where the other side has none.
        right: ranks, 0 where the other side has none.
        count: cells of each row that have ranks.
        min_count: cells that a row needs.

    Returns:
        One number per row; NaN with too few cells or where a side is constant.
    """
    total_a, total_b = left.sum(axis=1), right.sum(axis=1)
    spread_a = count * np.einsum("ij,ij->i", left, left) - total_a**2
    spread_b = count * np.einsum("ij,ij->i", right, right) - total_b**2
    together = count * np.einsum("ij,ij->i", left, right) - total_a * total_b
    fine = (count >= min_count) & (spread_a > 0) & (spread_b > 0)
    scale = np.sqrt(np.where(fine, spread_a, 1.0)) * np.sqrt(np.where(fine, spread_b, 1.0))
    return np.where(fine, together / scale, np.nan)


def parts_of(ranks: FloatArray, part_count: int) -> PartArray:
    """The part of its row that each cell is in, from 1 (lowest) to ``part_count``; 0 for no rank.

    Equals stand together: none of them is better than the other.
    """
    count = (ranks > 0).sum(axis=1, keepdims=True)
    place = np.floor((ranks - 0.5) * part_count / np.maximum(count, 1))
    part = np.clip(place + 1, 1, part_count)
    return np.where(ranks > 0, part, 0).astype(np.int16)


def bounds_of(parts: PartArray, part_count: int) -> IntArray:
    """Where each part of a row begins, and where the last one ends: rows by ``part_count`` + 1.

    Args:
        parts: result of ``parts_of``, ascending along the row, those without one at the end.
        part_count: number of parts.
    """
    sizes = [(parts == part).sum(axis=1) for part in range(1, part_count + 1)]
    return np.column_stack([np.zeros(len(parts), dtype=np.int64), *sizes]).cumsum(axis=1)


def part_sums(values: FloatArray, bounds: IntArray) -> FloatArray:
    """Sum of each part of each row: rows by parts, 0 for an empty part.

    Args:
        values: cells in the order of their parts.
        bounds: result of ``bounds_of``.
    """
    places = bounds + np.arange(len(values))[:, None] * values.shape[1]
    # an end may lie behind the last cell
    flat = np.append(values.ravel(), 0.0)
    sums: FloatArray = np.add.reduceat(flat, places.ravel()).reshape(places.shape)[:, :-1]
    return np.where(bounds[:, 1:] > bounds[:, :-1], sums, 0.0)


def part_medians(
    places: npt.NDArray[np.int32], ascending: FloatArray, parts: PartArray, counts: IntArray
) -> FloatArray:
    """Median of the values of each part of each row: rows by parts; NaN for an empty part.

    Args:
        places: where in its row of ``ascending`` the value of each cell is.
        ascending: the values of each row from the lowest up.
        parts: the part of each cell, 0 for none.
        counts: rows by parts: how many cells each has.
    """
    width, part_count = ascending.shape[1], counts.shape[1]
    # one number tells part and place: sorted, each part is a stretch with its median in the middle
    nowhere = (part_count + 1) * width
    keys = np.where(parts > 0, parts.astype(np.int32) * width + places, nowhere).astype(np.int32)
    keys.sort(axis=1)
    start = counts.cumsum(axis=1) - counts
    first = np.arange(1, part_count + 1) * width
    last = keys.shape[1] - 1
    middles = [
        taken_along(
            ascending,
            np.clip(taken_along(keys, np.clip(place, 0, last)) - first, 0, width - 1),
        )
        for place in (start + (counts - 1) // 2, start + counts // 2)
    ]
    return np.where(counts > 0, (middles[0] + middles[1]) / 2, np.nan)


def left_shares(
    now: PartArray, before: PartArray, bounds: IntArray, *, min_count: int
) -> FloatArray:
    """Share of each part that was not in it before: the turnover of a book that holds the part.

    Args:
        now: result of ``parts_of``, ascending along the row.
        before: the part that the same asset was in then, 0 for none: it takes no part.
        bounds: result of ``bounds_of``.
        min_count: cells with a part on both days that a row needs.

    Returns:
        Rows by parts; NaN where nothing can be said.
    """
    both = before > 0
    sizes = part_sums(both.astype(np.float64), bounds)
    stayed = part_sums((both & (now == before)).astype(np.float64), bounds)
    fine = (sizes.sum(axis=1, keepdims=True) >= min_count) & (sizes > 0)
    return np.where(fine, 1 - stayed / np.maximum(sizes, 1), np.nan)
