"""Unusual volume."""

from __future__ import annotations

import polars as pl

from pipelines.analytics.calendar import SERIES, lagged, on_calendar


def volume_z(frame: pl.LazyFrame, *, n: int, min_obs: int, sd_floor: float) -> pl.LazyFrame:
    """Log volume against its own n days before (formula: volume-z-score).

    Args:
        frame: one row per (asset_id, day) with ``volume_usd``.
        n: window in calendar days, ending the day *before* the row's.
        min_obs: days with a volume above zero that the window needs.
        sd_floor: a standard deviation (sample, of ln volume) below it makes the result NULL.

    Returns:
        The rows given with ``volume_z_<n>d``; NULL on a day without volume or with zero volume,
        which has no logarithm and leaves the windows after it one observation short.
    """
    return on_calendar(
        frame, lambda spine: with_volume_z(spine, n=n, min_obs=min_obs, sd_floor=sd_floor)
    )


def with_volume_z(spine: pl.LazyFrame, *, n: int, min_obs: int, sd_floor: float) -> pl.LazyFrame:
    """Volume z-score on a dense frame."""
    volume = pl.col("volume_usd")
    before = pl.col("_before")
    return (
        spine.with_columns(pl.when(volume > 0).then(volume.log()).alias("_ln"))
        .with_columns(lagged(pl.col("_ln"), 1).alias("_before"))
        .with_columns(
            before.rolling_mean(n, min_samples=min_obs).over(SERIES).alias("_mean"),
            before.rolling_std(n, min_samples=min_obs, ddof=1).over(SERIES).alias("_sd"),
        )
        .with_columns(
            pl.when(pl.col("_sd") >= sd_floor)
            .then((pl.col("_ln") - pl.col("_mean")) / pl.col("_sd"))
            .alias(f"volume_z_{n}d")
        )
        .drop("_ln", "_before", "_mean", "_sd")
    )
