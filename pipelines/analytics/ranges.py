"""True range, Bollinger bands and Donchian channels."""

from __future__ import annotations

import polars as pl

from pipelines.analytics.calendar import DAY, ROUNDING, SERIES, lagged, on_calendar
from pipelines.analytics.moving import sma_expr, with_wilder


def atr(frame: pl.LazyFrame, *, n: int, max_gap_d: int) -> pl.LazyFrame:
    """True range and its Wilder average (formula: average-true-range).

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.
        n: number of true ranges in the seed.
        max_gap_d: the close before counts up to this many missing days; after more of them the
            true range is unknown for a day and the average starts anew.

    Returns:
        The rows given with ``tr`` and ``atr_<n>`` in USD and ``natr_<n>`` (``atr / close``);
        NULL on the first bar (no close before it) and until the seed is complete.
    """
    return on_calendar(frame, lambda spine: with_atr(spine, n=n, max_gap_d=max_gap_d))


def bollinger(
    frame: pl.LazyFrame, *, n: int, deviations: float, value: str = "close_usd"
) -> pl.LazyFrame:
    """Bollinger bands around the SMA, with the population standard deviation.

    Formula: bollinger-bands.

    Args:
        frame: one row per (asset_id, day) with ``value``.
        n: window in calendar days; all n are required.
        deviations: half-width of the band in standard deviations.
        value: the column to read.

    Returns:
        The rows given with ``bb_mid``, ``bb_up``, ``bb_low`` (unit of ``value``), ``bb_width``
        ((up - low)/mid) and ``bb_pctb`` ((value - low)/(up - low); NULL if the width is 0).
    """
    return on_calendar(
        frame, lambda spine: with_bollinger(spine, n=n, deviations=deviations, value=value)
    )


def donchian(frame: pl.LazyFrame, *, n: int) -> pl.LazyFrame:
    """Donchian channel (formula: donchian-channel).

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.
        n: window in calendar days; all n are required.

    Returns:
        The rows given with ``donchian_high_<n>`` and ``donchian_low_<n>`` in USD over the n days
        *before* the row's day, and ``donch_pos``, where the close stands (0 at the low, 1 at
        the high) among the last n days including its own; NULL if they have no range.
    """
    return on_calendar(frame, lambda spine: with_donchian(spine, n=n))


def with_atr(spine: pl.LazyFrame, *, n: int, max_gap_d: int) -> pl.LazyFrame:
    """True range, ATR and NATR on a dense frame."""
    high, low, close = pl.col("high_usd"), pl.col("low_usd"), pl.col("close_usd")
    before = pl.col("_close_before")
    day = pl.col(DAY).to_physical()
    seen = pl.when(close.is_not_null()).then(day).forward_fill().shift(1).over(SERIES)
    last_close = close.forward_fill().shift(1).over(SERIES)
    true_range = pl.when(high.is_not_null() & low.is_not_null() & before.is_not_null()).then(
        pl.max_horizontal(high - low, (high - before).abs(), (low - before).abs())
    )
    spine = spine.with_columns(
        pl.when(day - seen <= max_gap_d + 1).then(last_close).alias("_close_before")
    ).with_columns(true_range.alias("tr"))
    spine = with_wilder(spine, value="tr", n=n, max_gap_d=max_gap_d, alias=f"atr_{n}")
    natr = pl.when(close > 0).then(pl.col(f"atr_{n}") / close)
    return spine.with_columns(natr.alias(f"natr_{n}")).drop("_close_before")


def with_bollinger(
    spine: pl.LazyFrame, *, n: int, deviations: float, value: str = "close_usd"
) -> pl.LazyFrame:
    """Bollinger bands on a dense frame."""
    mid, up, low = pl.col("bb_mid"), pl.col("bb_up"), pl.col("bb_low")
    half = deviations * pl.col(value).rolling_std(n, min_samples=n, ddof=0).over(SERIES)
    return (
        spine.with_columns(sma_expr(value, n).alias("bb_mid"), half.alias("_half"))
        .with_columns(
            (mid + pl.col("_half")).alias("bb_up"), (mid - pl.col("_half")).alias("bb_low")
        )
        .with_columns(
            pl.when(mid > 0).then((up - low) / mid).alias("bb_width"),
            pl.when(up - low > ROUNDING * mid.abs())
            .then((pl.col(value) - low) / (up - low))
            .alias("bb_pctb"),
        )
        .drop("_half")
    )


def with_donchian(spine: pl.LazyFrame, *, n: int) -> pl.LazyFrame:
    """Donchian channel on a dense frame."""
    top = pl.col("high_usd").rolling_max(n, min_samples=n).over(SERIES)
    bottom = pl.col("low_usd").rolling_min(n, min_samples=n).over(SERIES)
    span = pl.col("_top") - pl.col("_bottom")
    return (
        spine.with_columns(top.alias("_top"), bottom.alias("_bottom"))
        .with_columns(
            lagged(pl.col("_top"), 1).alias(f"donchian_high_{n}"),
            lagged(pl.col("_bottom"), 1).alias(f"donchian_low_{n}"),
            pl.when(span > 0)
            .then((pl.col("close_usd") - pl.col("_bottom")) / span)
            .alias("donch_pos"),
        )
        .drop("_top", "_bottom")
    )
