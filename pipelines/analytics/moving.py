"""Moving averages: SMA, EMA, Wilder's smoothing, MACD."""

from __future__ import annotations

import polars as pl

from pipelines.analytics.calendar import ASSET, SERIES, on_calendar, segment


def sma(
    frame: pl.LazyFrame,
    *,
    n: int,
    value: str = "close_usd",
    alias: str | None = None,
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Simple moving average of the last n days (formula: simple-moving-average).

    Args:
        frame: one row per (entity, day) with ``value``.
        n: window in calendar days; all n are required.
        value: the column to average.
        alias: name of the result, ``sma_<n>`` unless given.
        entity: the key column of the series.

    Returns:
        The rows given with the average, in the unit of ``value``; NULL if a day of the window
        is missing.
    """
    name = alias or f"sma_{n}"
    return on_calendar(
        frame, lambda spine: spine.with_columns(sma_expr(value, n).alias(name)), entity=entity
    )


def ema(
    frame: pl.LazyFrame,
    *,
    n: int,
    max_gap_d: int,
    value: str = "close_usd",
    alias: str | None = None,
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Exponential moving average, e + 2/(n+1) (c - e), seeded by the SMA of the first n.

    Formula: exponential-moving-average.

    Args:
        frame: one row per (entity, day) with ``value``.
        n: span, and number of observations in the seed.
        max_gap_d: after more missing days than this the seed starts anew; up to it the average
            waits for the next observation.
        value: the column to average.
        alias: name of the result, ``ema_<n>`` unless given.
        entity: the key column of the series.

    Returns:
        The rows given with the average, in the unit of ``value``; NULL before the n-th
        observation of a stretch and on days without one.
    """
    name = alias or f"ema_{n}"
    return on_calendar(
        frame,
        lambda spine: with_ema(spine, value=value, n=n, max_gap_d=max_gap_d, alias=name),
        entity=entity,
    )


def wilder(
    frame: pl.LazyFrame,
    *,
    n: int,
    max_gap_d: int,
    value: str,
    alias: str,
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Wilder's smoothing, ((n-1) s + x)/n, seeded by the SMA of the first n.

    Formulas: relative-strength-index, average-true-range.

    Args and returns are those of ``ema``.
    """
    return on_calendar(
        frame,
        lambda spine: with_wilder(spine, value=value, n=n, max_gap_d=max_gap_d, alias=alias),
        entity=entity,
    )


def macd(
    frame: pl.LazyFrame,
    *,
    fast: int,
    slow: int,
    signal: int,
    max_gap_d: int,
    value: str = "close_usd",
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Moving average convergence/divergence (formula: macd).

    Args:
        frame: one row per (entity, day) with ``value``.
        fast: span of the fast EMA.
        slow: span of the slow EMA.
        signal: span of the EMA of the difference, seeded by its first ``signal`` values.
        max_gap_d: see ``ema``.
        value: the column to read.
        entity: the key column of the series.

    Returns:
        The rows given with ``macd``, ``macd_signal`` and ``macd_hist``, in the unit of
        ``value``; NULL before their seeds are complete.
    """
    return on_calendar(
        frame,
        lambda spine: with_macd(
            spine, fast=fast, slow=slow, signal=signal, max_gap_d=max_gap_d, value=value
        ),
        entity=entity,
    )


def sma_expr(value: str, n: int) -> pl.Expr:
    """SMA on a dense frame, all n days required."""
    return pl.col(value).rolling_mean(n, min_samples=n).over(SERIES)


def with_smoothed(
    spine: pl.LazyFrame, *, value: str, n: int, alpha: float, max_gap_d: int, alias: str
) -> pl.LazyFrame:
    """Recursive average s + alpha (x - s) with an SMA seed, on a dense frame.

    The recursion is Polars' ``ewm_mean(adjust=False)`` over each stretch of observations, after
    the first n values have been replaced by NULLs and their mean.
    """
    observed = pl.col(value).is_not_null()
    return (
        spine.with_columns(segment(pl.col(value), max_gap_d=max_gap_d).alias("_stretch"))
        .with_columns(
            observed.cum_sum().over("_stretch").alias("_nth"),
            (pl.col(value).cum_sum().over("_stretch") / n).alias("_seed"),
        )
        .with_columns(
            pl.when(observed & (pl.col("_nth") == n))
            .then(pl.col("_seed"))
            .when(observed & (pl.col("_nth") > n))
            .then(pl.col(value))
            .alias("_seeded")
        )
        .with_columns(
            pl.col("_seeded")
            .ewm_mean(alpha=alpha, adjust=False, ignore_nulls=True)
            .over("_stretch")
            .alias(alias)
        )
        .drop("_stretch", "_nth", "_seed", "_seeded")
    )


def with_ema(
    spine: pl.LazyFrame, *, value: str, n: int, max_gap_d: int, alias: str
) -> pl.LazyFrame:
    """EMA on a dense frame."""
    return with_smoothed(
        spine, value=value, n=n, alpha=2 / (n + 1), max_gap_d=max_gap_d, alias=alias
    )


def with_wilder(
    spine: pl.LazyFrame, *, value: str, n: int, max_gap_d: int, alias: str
) -> pl.LazyFrame:
    """Wilder's smoothing on a dense frame."""
    return with_smoothed(spine, value=value, n=n, alpha=1 / n, max_gap_d=max_gap_d, alias=alias)


def with_macd(
    spine: pl.LazyFrame,
    *,
    fast: int,
    slow: int,
    signal: int,
    max_gap_d: int,
    value: str = "close_usd",
) -> pl.LazyFrame:
    """MACD on a dense frame."""
    for n, alias in ((fast, "_ema_fast"), (slow, "_ema_slow")):
        spine = with_ema(spine, value=value, n=n, max_gap_d=max_gap_d, alias=alias)
    spine = spine.with_columns((pl.col("_ema_fast") - pl.col("_ema_slow")).alias("macd"))
    spine = with_ema(spine, value="macd", n=signal, max_gap_d=max_gap_d, alias="macd_signal")
    return spine.with_columns((pl.col("macd") - pl.col("macd_signal")).alias("macd_hist")).drop(
        "_ema_fast", "_ema_slow"
    )
