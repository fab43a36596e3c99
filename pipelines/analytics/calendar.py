"""The dense calendar under every window, gaps, and units across token events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

ASSET: Final = "asset_id"
DAY: Final = "day"
SERIES: Final = "_series"
IS_INPUT: Final = "_is_input"

ROUNDING: Final = 1e-12
"""Relative size below which a difference of two floats is rounding and counts as zero."""


class AnalyticsError(ValueError):
    """An input breaks a contract that no result could be right without."""


def dense(frame: pl.LazyFrame, *, entity: str = ASSET) -> pl.LazyFrame:
    """Put each entity on a calendar without holes.

    Args:
        frame: one row per (entity, day), in any order; ``day`` is a Date.
        entity: the key column of the series.

    Returns:
        One row per entity and calendar day from its first to its last row, sorted by entity and
        day. Days without a row are NULL throughout. Decimal and Float32 columns become Float64;
        NaN and infinity become NULL. Adds ``_series`` (number of the entity) and ``_is_input``
        (the row was given), both for the use of this package.

    Raises:
        AnalyticsError: on collect, when a key is NULL or stands twice.
    """
    schema = {
        name: pl.Float64() if _is_inexact(dtype) else dtype
        for name, dtype in frame.collect_schema().items()
    }
    schema |= {SERIES: pl.UInt32(), IS_INPUT: pl.Boolean()}
    numeric = cs.float() | cs.decimal()

    def fill_in(given: pl.DataFrame) -> pl.DataFrame:
        given = (
            given.with_columns(numeric.cast(pl.Float64))
            .with_columns(pl.when(cs.float().is_finite()).then(cs.float()).name.keep())
            .sort(entity, DAY)
        )
        _check_keys(given, entity)
        same = pl.col(entity) == pl.col(entity).shift(1)
        is_hole = same & (pl.col(DAY).diff().dt.total_days() > 1)
        marked = given.with_columns(pl.lit(value=True).alias(IS_INPUT))
        if given.select(is_hole.any()).item():
            marked = (
                given.group_by(entity, maintain_order=True)
                .agg(pl.col(DAY).min().alias("_first"), pl.col(DAY).max().alias("_last"))
                .with_columns(pl.date_ranges("_first", "_last").alias(DAY))
                .select(entity, DAY)
                .explode(DAY)
                .join(marked, on=[entity, DAY], how="left", maintain_order="left")
                .with_columns(pl.col(IS_INPUT).fill_null(value=False))
            )
        number = (pl.col(entity) != pl.col(entity).shift(1)).fill_null(value=True).cum_sum()
        return marked.with_columns(number.cast(pl.UInt32).alias(SERIES)).select(list(schema))

    return frame.map_batches(fill_in, schema=schema)


def _is_inexact(dtype: pl.DataType) -> bool:
    return dtype.is_float() or dtype.is_decimal()


def _check_keys(given: pl.DataFrame, entity: str) -> None:
    """Refuse NULL and repeated keys: either would shift every window in silence."""
    if given[entity].null_count() or given[DAY].null_count():
        msg = f"{entity} and {DAY} must not be NULL"
        raise AnalyticsError(msg)
    twice = given.filter(
        (pl.col(entity) == pl.col(entity).shift(1)) & (pl.col(DAY) == pl.col(DAY).shift(1))
    )
    if twice.height:
        entity_id, day = twice.select(entity, DAY).row(0)
        msg = f"{twice.height} repeated keys ({entity}, {DAY}), first: {entity_id} on {day}"
        raise AnalyticsError(msg)


def on_calendar(
    frame: pl.LazyFrame,
    compute: Callable[[pl.LazyFrame], pl.LazyFrame],
    *,
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Run ``compute`` on the dense calendar and keep the rows that were given."""
    return as_given(compute(dense(frame, entity=entity)))


def as_given(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Drop the days that ``dense`` put in, and the columns of this package's own use."""
    return frame.filter(pl.col(IS_INPUT)).drop(cs.starts_with("_"))


def in_order(frame: pl.LazyFrame, *by: str) -> pl.LazyFrame:
    """The rows sorted, also for what adds them up.

    Polars drops a sort before a sum, since none is needed in arithmetic without rounding. Sums of
    floats are the same to the last bit only in the same order, so this sort is hidden from it.
    """
    return frame.map_batches(lambda rows: rows.sort(by), schema=frame.collect_schema())


def lagged(value: pl.Expr, days: int) -> pl.Expr:
    """Value of exactly ``days`` calendar days ago, on a dense frame."""
    return value.shift(days).over(SERIES)


def segment(value: pl.Expr, *, max_gap_d: int) -> pl.Expr:
    """Number of the stretch of observations that a row belongs to, on a dense frame.

    A new stretch begins at an entity's first observation and at the first one after more than
    ``max_gap_d`` missing days. Rows before the first observation carry the number of the stretch
    above them; they hold no observation, so nothing is read from there.
    """
    day = pl.col(DAY).to_physical()
    observed = value.is_not_null()
    previous = pl.when(observed).then(day).forward_fill().shift(1).over(SERIES)
    starts = observed & (previous.is_null() | (day - previous > max_gap_d + 1))
    return starts.cum_sum()


def segments(
    frame: pl.LazyFrame, value: str, *, max_gap_d: int, entity: str = ASSET
) -> pl.LazyFrame:
    """Number each entity's stretches of observations.

    Args:
        frame: one row per (entity, day) with the column ``value``.
        value: the column whose NULLs make the gaps.
        max_gap_d: the longest run of missing days that a stretch survives.
        entity: the key column of the series.

    Returns:
        The rows given, with ``segment_no`` (1 for an entity's first stretch; NULL before it and
        on missing days).
    """

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        number = pl.col("_segment") - pl.col("_segment").filter(
            pl.col(value).is_not_null()
        ).min().over(SERIES)
        return spine.with_columns(
            segment(pl.col(value), max_gap_d=max_gap_d).cast(pl.Int32).alias("_segment")
        ).with_columns(pl.when(pl.col(value).is_not_null()).then(number + 1).alias("segment_no"))

    return on_calendar(frame, compute, entity=entity)


def to_first_units(
    frame: pl.LazyFrame,
    events: pl.LazyFrame,
    *,
    columns: Sequence[str],
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Express prices in the units that an asset was first quoted in (formula: unit-change).

    The price of a new unit is multiplied by the number of new units per old one, from the event
    on. Days before an event are left alone, so no row depends on an event after it, and returns
    across the event come out as ``price_new * ratio / price_old``.

    Args:
        frame: one row per (entity, day).
        events: entity, ``effective_day`` (Date), ``ratio`` (new units per old one, > 0).
        columns: the price columns to convert.
        entity: the key column of the series.

    Returns:
        The rows given with ``columns`` converted, and ``unit_ratio`` (product of the ratios up
        to that day; 1 before any event), by which ``to_current_units`` divides again.
    """
    ratios = (
        events.group_by(entity, "effective_day")
        .agg(pl.col("ratio").cast(pl.Float64).product())
        .sort(entity, "effective_day")
        .with_columns(pl.col("ratio").cum_prod().over(entity).alias("unit_ratio"))
        .select(entity, pl.col("effective_day").alias(DAY), "unit_ratio")
        .sort(DAY)
    )
    joined = (
        frame.sort(DAY)
        .join_asof(ratios, on=DAY, by=entity, strategy="backward", check_sortedness=False)
        .with_columns(pl.col("unit_ratio").fill_null(1.0))
    )
    converted = [pl.col(name).cast(pl.Float64) * pl.col("unit_ratio") for name in columns]
    return joined.with_columns(converted).sort(entity, DAY)


def to_current_units(frame: pl.LazyFrame, *, columns: Sequence[str]) -> pl.LazyFrame:
    """Turn price levels from first units back into the units of each row's own day.

    Args:
        frame: rows with ``unit_ratio`` of ``to_first_units``.
        columns: columns in units of price (moving averages, bands, levels, true range).

    Returns:
        The rows given with ``columns`` divided by ``unit_ratio``.
    """
    return frame.with_columns([pl.col(name) / pl.col("unit_ratio") for name in columns])


class Panel:
    """A dense frame as matrices: row j is each entity's j-th day, column i is entity i.

    The state machines step through the rows and treat all entities of a row at once. Entities
    are aligned by their first day, so young ones cost nothing before they exist.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        """Take the frame that ``dense`` made, collected."""
        series = frame[SERIES].to_numpy().astype(np.int64) - 1
        self.column: IntArray = series
        counts = np.bincount(series) if len(series) else np.zeros(0, dtype=np.int64)
        first = np.concatenate(([0], np.cumsum(counts)[:-1])) if len(counts) else counts
        self.first_row: IntArray = first.astype(np.int64)
        self.length: IntArray = counts.astype(np.int64)
        self.row: IntArray = np.arange(len(series), dtype=np.int64) - self.first_row[series]
        self.shape: tuple[int, int] = (int(counts.max()) if len(counts) else 0, len(counts))

    def floats(self, values: pl.Series) -> FloatArray:
        """Matrix of a numeric column; NaN where there is no day or no value."""
        matrix = np.full(self.shape, np.nan)
        matrix[self.row, self.column] = values.cast(pl.Float64).to_numpy()
        return matrix

    def flags(self, values: pl.Series) -> BoolArray:
        """Matrix of a boolean column; false where there is no day or no value."""
        matrix = np.zeros(self.shape, dtype=np.bool_)
        matrix[self.row, self.column] = values.fill_null(value=False).to_numpy()
        return matrix

    def in_frame_order(self, matrix: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """The values of a matrix in the order of the frame's rows."""
        return matrix[self.row, self.column]
