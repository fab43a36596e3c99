"""Cross-sections as matrices: ranks, rank correlations and quantiles of every day at once.

A row is a day, a column an asset; NaN is unknown. No function mixes two rows, so none can look
ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, AnalyticsError, BoolArray, FloatArray, IntArray

FLAT = 1e-24
"""A sum of squares of ranks or returns below it is that of a constant."""


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
        cells = places[0] * len(self.assets) + places[1]
        if len(np.unique(cells)) != len(cells):
            msg = f"{len(cells) - len(np.unique(cells))} repeated keys ({ASSET}, {DAY})"
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


def rank_rows(values: FloatArray) -> FloatArray:
    """Ranks within each row from 1 up, equals sharing the mean of theirs; NaN stays NaN."""
    if not values.size:
        return values.copy()
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    last = values.shape[1] - 1
    places = np.arange(last + 1, dtype=np.float64)
    starts = np.ones(values.shape, dtype=np.bool_)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(values.shape, dtype=np.bool_)
    ends[:, :-1] = starts[:, 1:]
    lowest = np.maximum.accumulate(np.where(starts, places, 0.0), axis=1)
    highest = np.minimum.accumulate(np.where(ends, places, float(last))[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, (lowest + highest) / 2 + 1, axis=1)
    return np.where(np.isnan(values), np.nan, ranks)


def row_correlation(left: FloatArray, right: FloatArray, *, min_count: int) -> FloatArray:
    """Pearson correlation of two matrices, row by row, over the cells that both know.

    Returns:
        One number per row; NaN with fewer than ``min_count`` cells or where a side is constant.
    """
    known = ~(np.isnan(left) | np.isnan(right))
    count = known.sum(axis=1)
    size = np.maximum(count, 1)[:, None]
    a, b = (np.where(known, side, 0.0) for side in (left, right))
    a = np.where(known, a - a.sum(axis=1, keepdims=True) / size, 0.0)
    b = np.where(known, b - b.sum(axis=1, keepdims=True) / size, 0.0)
    spread = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b)
    fine = (count >= min_count) & (spread > FLAT)
    together = np.einsum("ij,ij->i", a, b)
    return np.where(fine, together / np.sqrt(np.where(fine, spread, 1.0)), np.nan)


def ranks_among(
    values: FloatArray, known: BoolArray, ranks: FloatArray | None = None
) -> FloatArray:
    """Ranks of some of the cells of each row.

    Args:
        values: the values.
        known: the cells that count; NaN never does.
        ranks: ``rank_rows(values)``, where the caller has it: only rows in which fewer cells count
            are ranked again.
    """
    if ranks is None:
        return rank_rows(np.where(known, values, np.nan))
    fewer = (known != ~np.isnan(values)).any(axis=1)
    if not fewer.any():
        return ranks
    among = ranks.copy()
    among[fewer] = rank_rows(np.where(known[fewer], values[fewer], np.nan))
    return among


def parts_of(ranks: FloatArray, part_count: int) -> IntArray:
    """The part of its row that each cell is in, from 1 (lowest) to ``part_count``; 0 for NaN.

    Equals stand together: none of them is better than the other.
    """
    count = (~np.isnan(ranks)).sum(axis=1, keepdims=True)
    place = np.floor((np.nan_to_num(ranks) - 0.5) * part_count / np.maximum(count, 1))
    part = np.clip(place + 1, 1, part_count)
    return np.where(np.isnan(ranks), 0, part).astype(np.int64)


def part_means(values: FloatArray, parts: IntArray, part_count: int) -> FloatArray:
    """Mean of the known values of each part of each row: rows by parts; NaN for an empty part."""
    used = (parts > 0) & ~np.isnan(values)
    rows, columns = np.nonzero(used)
    cells = rows * part_count + parts[rows, columns] - 1
    size = values.shape[0] * part_count
    count = np.bincount(cells, minlength=size)
    total = np.bincount(cells, weights=values[rows, columns], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean.reshape(values.shape[0], part_count)


def part_medians(
    values: FloatArray, parts: IntArray, part_count: int, *, order: IntArray | None = None
) -> FloatArray:
    """Median of the known values of each part of each row: rows by parts; NaN for an empty part.

    Args:
        values: the values.
        parts: the part of each cell, 0 for none.
        part_count: number of parts.
        order: ``values.argsort(axis=1)``, where the caller has it.
    """
    order = values.argsort(axis=1) if order is None else order
    ordered = np.take_along_axis(values, order, axis=1)
    member = np.take_along_axis(parts, order, axis=1).astype(np.int8)
    # who has no part or no value goes to the end
    member[(member == 0) | np.isnan(ordered)] = part_count + 1
    # sorted by part and then by value each part is a stretch, its median in the middle of it
    stretches = np.take_along_axis(ordered, member.argsort(axis=1, kind="stable"), axis=1)
    stretches = np.column_stack((stretches, np.full(len(values), np.nan)))
    count = np.column_stack([(member == part).sum(axis=1) for part in range(1, part_count + 1)])
    start = count.cumsum(axis=1) - count
    nowhere = values.shape[1]
    low = np.where(count > 0, start + (count - 1) // 2, nowhere)
    high = np.where(count > 0, start + count // 2, nowhere)
    middles = (np.take_along_axis(stretches, place, axis=1) for place in (low, high))
    median: FloatArray = sum(middles, start=np.zeros(count.shape)) / 2
    return median


def ago(values: FloatArray, days: int) -> FloatArray:
    """What stood there ``days`` rows before; NaN before the beginning."""
    earlier = np.full_like(values, np.nan, dtype=np.float64)
    earlier[days:] = values[: len(values) - days] if days <= len(values) else values[:0]
    return earlier


def left_share(parts: IntArray, part: int, days: int, *, min_count: int) -> FloatArray:
    """Share of a part that was not in it ``days`` rows before: the turnover of a book.

    Args:
        parts: result of ``parts_of``. Who had none then takes no part.
        part: which one.
        days: rows back.
        min_count: cells with a part on both days that a row needs.
    """
    before = np.zeros_like(parts)
    before[days:] = parts[: max(len(parts) - days, 0)]
    both: BoolArray = (parts > 0) & (before > 0)
    now = both & (parts == part)
    size = now.sum(axis=1)
    stayed = (now & (before == part)).sum(axis=1)
    fine = (both.sum(axis=1) >= min_count) & (size > 0)
    return np.where(fine, 1 - stayed / np.maximum(size, 1), np.nan)
