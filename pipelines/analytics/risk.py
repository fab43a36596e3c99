"""Returns and risk over calendar windows, and the dependence of two series.

The recursive ones (EWMA volatility, drawdowns) are the reason for this module; the plain window
statistics are what SQL computes too, and the tests hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.analytics.calendar import (
    SERIES,
    FloatArray,
    IntArray,
    on_calendar,
    segment,
)
from pipelines.analytics.momentum import returns_expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A window of ``days`` calendar days that needs ``min_obs`` observations."""

    days: int
    min_obs: int


def returns(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Daily returns (formulas: simple-return, log-return).

    Args:
        frame: one row per (asset_id, day) with ``close_usd``.

    Returns:
        The rows given with ``ret_1d`` (fraction) and ``logret_1d``; NULL unless both this day
        and the calendar day before have a close above zero (zero today: ret_1d is -1 and
        logret_1d NULL).
    """
    log = pl.when(pl.col("ret_1d") > -1).then(pl.col("ret_1d").log1p())
    return on_calendar(
        frame,
        lambda spine: spine.with_columns(returns_expr("close_usd", 1).alias("ret_1d")).with_columns(
            log.alias("logret_1d")
        ),
    )


def volatility(frame: pl.LazyFrame, *, window: Window, days_per_year: int | None) -> pl.LazyFrame:
    """Sample standard deviation of daily log returns (formula: realised-volatility).

    Args:
        frame: one row per (asset_id, day) with ``logret_1d``.
        window: window and observations required.
        days_per_year: the scale of the annual figure; None leaves it daily.

    Returns:
        The rows given with ``vol_<n>d_ann``, or ``vol_<n>d`` if not annualised.
    """
    scale = 1.0 if days_per_year is None else days_per_year**0.5
    name = f"vol_{window.days}d" + ("" if days_per_year is None else "_ann")
    return on_calendar(
        frame, lambda spine: spine.with_columns((scale * _sd("logret_1d", window)).alias(name))
    )


def ewma_volatility(
    frame: pl.LazyFrame, *, decay: float, seed_obs: int, max_gap_d: int, days_per_year: int
) -> pl.LazyFrame:
    """Exponentially weighted volatility, v = decay v + (1 - decay) r^2 (formula: ewma-volatility).

    Args:
        frame: one row per (asset_id, day) with ``logret_1d``.
        decay: lambda.
        seed_obs: the first value is the sample variance of this many first returns.
        max_gap_d: after more missing days than this the seed starts anew.
        days_per_year: the scale of the annual figure.

    Returns:
        The rows given with ``ewma_vol_ann``; NULL before the seed and on days without a return.
    """
    return on_calendar(
        frame,
        lambda spine: with_ewma_volatility(
            spine,
            decay=decay,
            seed_obs=seed_obs,
            max_gap_d=max_gap_d,
            days_per_year=days_per_year,
        ),
    )


def downside_deviation(frame: pl.LazyFrame, *, window: Window, target: float) -> pl.LazyFrame:
    """Root of the mean squared shortfall below a target, over *all* observations.

    Formula: sortino-ratio.

    Args:
        frame: one row per (asset_id, day) with ``ret_1d``.
        window: window and observations required.
        target: daily return that is no shortfall.

    Returns:
        The rows given with ``downside_dev_<n>d`` (daily, fraction; 0 if nothing fell short).
    """
    return on_calendar(
        frame,
        lambda spine: spine.with_columns(
            _downside("ret_1d", window, target).alias(f"downside_dev_{window.days}d")
        ),
    )


def sharpe(
    frame: pl.LazyFrame, *, window: Window, risk_free: float, sd_floor: float, days_per_year: int
) -> pl.LazyFrame:
    """Sharpe ratio of daily returns, annualised (formula: sharpe-ratio).

    Args:
        frame: one row per (asset_id, day) with ``ret_1d``.
        window: window and observations required.
        risk_free: return of a day without risk.
        sd_floor: a standard deviation below it makes the result NULL.
        days_per_year: the scale of the annual figure.

    Returns:
        The rows given with ``sharpe_<n>d``.
    """
    sd = _sd("ret_1d", window)
    ratio = pl.when(sd >= sd_floor).then(
        (_mean("ret_1d", window) - risk_free) / sd * days_per_year**0.5
    )
    return on_calendar(
        frame, lambda spine: spine.with_columns(ratio.alias(f"sharpe_{window.days}d"))
    )


def sortino(
    frame: pl.LazyFrame, *, window: Window, target: float, days_per_year: int
) -> pl.LazyFrame:
    """Sortino ratio of daily returns, annualised (formula: sortino-ratio).

    Args:
        frame: one row per (asset_id, day) with ``ret_1d``.
        window: window and observations required.
        target: daily return that is no shortfall.
        days_per_year: the scale of the annual figure.

    Returns:
        The rows given with ``sortino_<n>d``; NULL if nothing in the window fell short.
    """
    shortfall = _downside("ret_1d", window, target)
    ratio = pl.when(shortfall > 0).then(
        (_mean("ret_1d", window) - target) / shortfall * days_per_year**0.5
    )
    return on_calendar(
        frame, lambda spine: spine.with_columns(ratio.alias(f"sortino_{window.days}d"))
    )


def drawdown(frame: pl.LazyFrame, *, value: str = "close_usd") -> pl.LazyFrame:
    """Distance below the highest value so far, from the first observation (formula: drawdown).

    Args:
        frame: one row per (asset_id, day) with ``value``.
        value: the column to read.

    Returns:
        The rows given with ``drawdown_frac`` in [-1, 0]; NULL on days without a value.
    """
    peak = pl.col(value).cum_max().over(SERIES)
    fall = pl.when(peak > 0).then(pl.col(value) / peak - 1)
    return on_calendar(frame, lambda spine: spine.with_columns(fall.alias("drawdown_frac")))


def max_drawdown(frame: pl.LazyFrame, *, window: Window, value: str = "close_usd") -> pl.LazyFrame:
    """Deepest fall from a peak that lies inside the window (formula: maximum-drawdown).

    Args:
        frame: one row per (asset_id, day) with ``value`` above or at zero.
        window: window and observations required.
        value: the column to read.

    Returns:
        The rows given with ``max_drawdown_<n>d`` in [-1, 0].
    """
    name = f"max_drawdown_{window.days}d"

    def fill_in(spine: pl.DataFrame) -> pl.DataFrame:
        values = spine[value].cast(pl.Float64).to_numpy()
        starts = spine.select(
            (pl.col(SERIES) != pl.col(SERIES).shift(1)).fill_null(value=True)
        ).to_series()
        index = np.arange(len(values))
        age = index - np.maximum.accumulate(np.where(starts.to_numpy(), index, 0))
        falls = _rolling_max_drawdown(values, age, window.days)
        observed = pl.col(value).rolling_max(window.days, min_samples=window.min_obs).over(SERIES)
        return spine.with_columns(pl.Series(name, falls, nan_to_null=True)).with_columns(
            pl.when(observed.is_not_null()).then(pl.col(name)).alias(name)
        )

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        schema = dict(spine.collect_schema()) | {name: pl.Float64()}
        return spine.map_batches(fill_in, schema=schema)

    return on_calendar(frame, compute)


def beta_correlation(
    frame: pl.LazyFrame, *, x: str, y: str, window: Window, sd_floor: float
) -> pl.LazyFrame:
    """Beta and Pearson correlation of two series on the days that both have.

    Formulas: beta, return-correlation, pair-correlation.

    Args:
        frame: one row per (asset_id, day) with ``x`` (the asset) and ``y`` (the benchmark).
        x: column of the asset's returns.
        y: column of the benchmark's returns.
        window: window and common days required.
        sd_floor: a standard deviation below it makes the result NULL.

    Returns:
        The rows given with ``beta_<n>d`` = cov(x, y)/var(y), ``corr_<n>d`` in [-1, 1] and
        ``n_obs_<n>d``, the common days in the window.
    """
    n = window.days
    both = pl.col(x).is_not_null() & pl.col(y).is_not_null()
    sd_x, sd_y = _sd("_x", window), _sd("_y", window)
    # var(x + y) - var(x - y) = 4 cov(x, y): each term is computed without cancellation
    cov = (_sd("_sum", window).pow(2) - _sd("_difference", window).pow(2)) / 4
    known = (sd_x >= sd_floor) & (sd_y >= sd_floor)
    return on_calendar(
        frame,
        lambda spine: (
            spine.with_columns(
                pl.when(both).then(pl.col(x)).alias("_x"), pl.when(both).then(pl.col(y)).alias("_y")
            )
            .with_columns(
                (pl.col("_x") + pl.col("_y")).alias("_sum"),
                (pl.col("_x") - pl.col("_y")).alias("_difference"),
            )
            .with_columns(
                pl.when(sd_y >= sd_floor).then(cov / sd_y.pow(2)).alias(f"beta_{n}d"),
                pl.when(known).then((cov / (sd_x * sd_y)).clip(-1.0, 1.0)).alias(f"corr_{n}d"),
                pl.col("_x")
                .is_not_null()
                .cast(pl.Int32)
                .rolling_sum(n, min_samples=1)
                .over(SERIES)
                .alias(f"n_obs_{n}d"),
            )
        ),
    )


def fisher_z(
    recent: pl.Expr, recent_obs: pl.Expr, prior: pl.Expr, prior_obs: pl.Expr, *, clip: float
) -> pl.Expr:
    """Difference of two correlations in standard errors (formula: correlation-breakdown).

    Args:
        recent: correlation of the recent window.
        recent_obs: its number of observations.
        prior: correlation of the window before it.
        prior_obs: its number of observations.
        clip: correlations are clipped to plus and minus this, short of 1.

    Returns:
        (atanh recent - atanh prior)/sqrt(1/(n1 - 3) + 1/(n2 - 3)); NULL up to 3 observations.
    """
    error = (1 / (recent_obs - 3) + 1 / (prior_obs - 3)).sqrt()
    distance = recent.clip(-clip, clip).arctanh() - prior.clip(-clip, clip).arctanh()
    return pl.when((recent_obs > 3) & (prior_obs > 3)).then(distance / error)


def with_ewma_volatility(
    spine: pl.LazyFrame, *, decay: float, seed_obs: int, max_gap_d: int, days_per_year: int
) -> pl.LazyFrame:
    """EWMA volatility on a dense frame."""
    log_return = pl.col("logret_1d")
    observed = log_return.is_not_null()
    nth = observed.cum_sum().over("_stretch")
    first = pl.when(pl.col("_nth") <= seed_obs).then(log_return)
    return (
        spine.with_columns(segment(log_return, max_gap_d=max_gap_d).alias("_stretch"))
        .with_columns(nth.alias("_nth"))
        .with_columns(first.var(ddof=1).over("_stretch").alias("_seed"))
        .with_columns(
            pl.when(observed & (pl.col("_nth") == seed_obs))
            .then(pl.col("_seed"))
            .when(observed & (pl.col("_nth") > seed_obs))
            .then(log_return.pow(2))
            .ewm_mean(alpha=1 - decay, adjust=False, ignore_nulls=True)
            .over("_stretch")
            .alias("_variance")
        )
        .with_columns((days_per_year * pl.col("_variance")).sqrt().alias("ewma_vol_ann"))
        .drop("_stretch", "_nth", "_seed", "_variance")
    )


def _mean(value: str, window: Window) -> pl.Expr:
    return pl.col(value).rolling_mean(window.days, min_samples=window.min_obs).over(SERIES)


def _sd(value: str, window: Window) -> pl.Expr:
    return pl.col(value).rolling_std(window.days, min_samples=window.min_obs, ddof=1).over(SERIES)


def _downside(value: str, window: Window, target: float) -> pl.Expr:
    shortfall = (pl.col(value) - target).clip(upper_bound=0.0)
    worst = shortfall.rolling_min(window.days, min_samples=window.min_obs).over(SERIES)
    mean_square = (
        shortfall.pow(2).rolling_mean(window.days, min_samples=window.min_obs).over(SERIES)
    )
    # a rolling mean may leave rounding where the sum is zero
    return pl.when(worst < 0).then(mean_square.clip(lower_bound=0.0).sqrt()).otherwise(worst.abs())


def _rolling_max_drawdown(values: FloatArray, age: IntArray, days: int) -> FloatArray:
    """Maximum drawdown of the last ``days`` elements of each series, by doubling the window.

    Two neighbouring blocks of a series join into one: the deeper of the two falls, or the fall
    from the older one's peak to the younger one's trough. Blocks of 1, 2, 4, ... days are built
    once and joined to ``days``; no step depends on what left the window.

    Args:
        values: the series one after another; NaN where missing.
        age: number of the element within its series, from 0.
        days: length of the window.
    """
    nothing = np.full(values.shape, -np.inf), np.full(values.shape, np.inf), np.zeros(values.shape)
    missing = np.isnan(values)
    block: Block = (
        np.where(missing, -np.inf, values),
        np.where(missing, np.inf, values),
        np.zeros(values.shape),
    )
    joined: Block = nothing
    done, size = 0, 1
    while size <= days:
        if days & size:
            # what is collected so far is younger than this block
            joined = _join(_older(block, done, age), joined)
            done += size
        if 2 * size <= days:
            block = _join(_older(block, size, age), block)
        size *= 2
    return np.where(np.isinf(joined[0]), np.nan, joined[2])


Block = tuple[FloatArray, FloatArray, FloatArray]
"""Peak, trough and deepest fall."""


def _join(older: Block, younger: Block) -> Block:
    peak, trough = older[0], younger[1]
    across = np.zeros_like(peak)
    np.divide(trough, peak, out=across, where=(peak > 0) & np.isfinite(trough))
    across = np.where((peak > 0) & np.isfinite(trough), across - 1, 0.0)
    return (
        np.maximum(older[0], younger[0]),
        np.minimum(older[1], younger[1]),
        np.minimum(np.minimum(older[2], younger[2]), across),
    )


def _older(block: Block, days: int, age: IntArray) -> Block:
    """The block that ended ``days`` days earlier in the same series, or an empty one."""
    if days == 0:
        return block
    shifted = []
    for values, empty in zip(block, (-np.inf, np.inf, 0.0), strict=True):
        moved = np.full(values.shape, empty)
        moved[days:] = values[:-days]
        moved[age < days] = empty
        shifted.append(moved)
    return shifted[0], shifted[1], shifted[2]
