"""Momentum of an asset's own past and across the universe."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.analytics.calendar import DAY, SERIES, lagged, on_calendar
from pipelines.analytics.scoring import mid_rank_percentile


def tsmom(
    frame: pl.LazyFrame, *, horizons: Sequence[int], vol_d: int, min_obs: int, sd_floor: float
) -> pl.LazyFrame:
    """Time-series momentum: the return of n days in standard deviations of its own.

    Formula: time-series-momentum.

    Args:
        frame: one row per (asset_id, day) with ``close_usd``.
        horizons: the n's.
        vol_d: window of the standard deviation of daily returns, in calendar days.
        min_obs: daily returns required in that window.
        sd_floor: a standard deviation below it makes the result NULL.

    Returns:
        The rows given with, for each n, ``ret_<n>d`` (fraction; exact calendar lag) and
        ``tsmom_<n>`` = ret / (sd * sqrt(n)).
    """
    return on_calendar(
        frame,
        lambda spine: with_tsmom(
            spine, horizons=horizons, vol_d=vol_d, min_obs=min_obs, sd_floor=sd_floor
        ),
    )


def xsmom(frame: pl.LazyFrame, *, n: int, min_assets: int) -> pl.LazyFrame:
    """Cross-sectional momentum: mid-rank percentile of the n-day return in the universe.

    Formula: cross-sectional-momentum.

    A cross-section: the rows of a day are read together.

    Args:
        frame: one row per (asset_id, day) with ``ret_<n>d`` and ``in_universe`` (of that day).
        n: horizon in days.
        min_assets: members with a return that a day needs.

    Returns:
        The rows given with ``xsmom_<n>_pct`` (0-100); NULL outside the universe and on days with
        too few members.
    """
    member = pl.when(pl.col("in_universe")).then(pl.col(f"ret_{n}d"))
    spine = frame.with_columns(member.alias("_member"))
    percentile = mid_rank_percentile(pl.col("_member"), within=[DAY])
    enough = pl.col("_member").count().over(DAY) >= min_assets
    return spine.with_columns(pl.when(enough).then(percentile).alias(f"xsmom_{n}_pct")).drop(
        "_member"
    )


def returns_expr(value: str, n: int) -> pl.Expr:
    """Return of n calendar days on a dense frame, NULL if either end is missing."""
    start = lagged(pl.col(value), n)
    return pl.when(start > 0).then(pl.col(value) / start - 1)


def with_tsmom(
    spine: pl.LazyFrame, *, horizons: Sequence[int], vol_d: int, min_obs: int, sd_floor: float
) -> pl.LazyFrame:
    """Time-series momentum on a dense frame."""
    sd = pl.col("_return").rolling_std(vol_d, min_samples=min_obs, ddof=1).over(SERIES)
    return (
        spine.with_columns(
            returns_expr("close_usd", 1).alias("_return"),
            *(returns_expr("close_usd", n).alias(f"ret_{n}d") for n in horizons),
        )
        .with_columns(sd.alias("_sd"))
        .with_columns(
            pl.when(pl.col("_sd") >= sd_floor)
            .then(pl.col(f"ret_{n}d") / (pl.col("_sd") * n**0.5))
            .alias(f"tsmom_{n}")
            for n in horizons
        )
        .drop("_return", "_sd")
    )
