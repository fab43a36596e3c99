"""The shape of an asset's daily returns in a window: tails, asymmetry, gains and losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import SERIES, FloatArray, IntArray, on_calendar
from pipelines.analytics.risk import Window

COLUMNS: Final = (
    "var95_1d",
    "es95_1d",
    "skew",
    "kurt_excess",
    "tail_ratio",
    "profit_factor",
)

_BLOCK_CELLS: Final = 200_000
"""Size of a block of work: what a core's cache holds. No effect on the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionParameters:
    """What a tail is; the values are a seed.

    Attributes:
        window: days, and returns which they need.
        tail_frac: part of the returns that is the tail (0.05).
        sd_floor: returns that vary less have no shape.
    """

    window: Window
    tail_frac: float
    sd_floor: float


def return_distribution(frame: pl.LazyFrame, parameters: DistributionParameters) -> pl.LazyFrame:
    """Value at risk, expected shortfall, moments and ratios of daily returns.

    Formulas: value-at-risk, skewness-and-kurtosis, tail-ratio, profit-factor.

    Args:
        frame: one row per (asset_id, day) with ``ret_1d``.
        parameters: window and tail.

    Returns:
        The rows given with ``var95_1d`` (minus the tail quantile, linear between order
        statistics), ``es95_1d`` (minus the mean of the returns at or below it), ``skew`` and
        ``kurt_excess`` (sample-adjusted G1 and G2), ``tail_ratio`` (|upper| / |lower| quantile)
        and ``profit_factor`` (gains / losses). NULL below ``min_obs``; moments also for returns
        that do not vary, ratios where they would divide by zero.
    """

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        schema = dict(spine.collect_schema()) | dict.fromkeys(COLUMNS, pl.Float64())
        return spine.map_batches(lambda part: _with_columns(part, parameters), schema=schema)

    return on_calendar(frame, compute)


def _with_columns(spine: pl.DataFrame, p: DistributionParameters) -> pl.DataFrame:
    values = spine["ret_1d"].cast(pl.Float64).to_numpy()
    starts = spine.select((pl.col(SERIES) != pl.col(SERIES).shift(1)).fill_null(value=True))
    index = np.arange(len(values))
    age = index - np.maximum.accumulate(np.where(starts.to_series().to_numpy(), index, 0))
    found = np.full((len(COLUMNS), len(values)), np.nan)
    offsets = np.arange(p.window.days)
    step = max(_BLOCK_CELLS // p.window.days, 1)
    for start in range(0, len(values), step):
        rows = index[start : start + step, None]
        # days before an asset's first one are no days of it
        held = np.where(offsets <= age[rows], values[np.maximum(rows - offsets, 0)], np.nan)
        found[:, start : start + step] = _measure(held, p)
    columns = [
        pl.Series(name, column, nan_to_null=True)
        for name, column in zip(COLUMNS, found, strict=True)
    ]
    return spine.with_columns(columns)


def _measure(held: FloatArray, p: DistributionParameters) -> FloatArray:
    """The measures of each row's returns; NaN where there is none."""
    known = np.isfinite(held)
    count = known.sum(axis=1)
    enough = count >= p.window.min_obs
    n = np.where(enough, count, 1).astype(np.float64)
    # the tails alone are put in order: all values of a window would take five times as long
    low = _lower_quantile(np.where(known, held, np.inf), count, p.tail_frac)
    high = -_lower_quantile(np.where(known, -held, np.inf), count, p.tail_frac)
    returns = np.where(known, held, 0.0)
    in_tail = known & (held <= low[:, None])
    shortfall = _ratio((returns * in_tail).sum(axis=1), in_tail.sum(axis=1))
    apart = np.where(known, returns - (returns.sum(axis=1) / n)[:, None], 0.0)
    # products, not powers: `**` is twenty times as slow
    squares = apart * apart
    square = squares.sum(axis=1)
    varies = np.sqrt(square / np.maximum(n - 1, 1)) >= p.sd_floor
    m2 = np.where(varies, square / n, np.nan)
    g1 = (squares * apart).sum(axis=1) / n / m2**1.5
    g2 = (squares * squares).sum(axis=1) / n / m2**2 - 3
    skew = np.where(n >= 3, g1 * np.sqrt(n * np.maximum(n - 1, 0)) / np.maximum(n - 2, 1), np.nan)
    kurtosis = (n - 1) / np.maximum((n - 2) * (n - 3), 1) * ((n + 1) * g2 + 6)
    gains = np.clip(returns, 0.0, None).sum(axis=1)
    losses = -np.clip(returns, None, 0.0).sum(axis=1)
    measures = np.array(
        [
            -low,
            -shortfall,
            skew,
            np.where(n >= 4, kurtosis, np.nan),
            _ratio(np.abs(high), np.abs(low)),
            _ratio(gains, losses),
        ]
    )
    return np.where(enough, measures, np.nan)


def _lower_quantile(held: FloatArray, count: IntArray, frac: float) -> FloatArray:
    """Quantile of each row's ``count`` finite values, linear between neighbours; ``frac`` < 0.5."""
    place = frac * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    last = min(int(above.max(initial=0)), held.shape[1] - 1)
    tail = np.sort(np.partition(held, last, axis=1)[:, : last + 1], axis=1)
    row = np.arange(len(tail))
    lower, upper = tail[row, below], tail[row, above]
    known = np.isfinite(lower) & np.isfinite(upper)
    lower, upper = np.where(known, lower, np.nan), np.where(known, upper, np.nan)
    result: FloatArray = lower + (place - below) * (upper - lower)
    return result


def _ratio(top: FloatArray | IntArray, bottom: FloatArray | IntArray) -> FloatArray:
    """Top over bottom, NaN where the bottom is zero."""
    result = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=result, where=bottom > 0)
    return result
