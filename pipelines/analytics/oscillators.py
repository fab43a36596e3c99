"""Relative strength index."""

from __future__ import annotations

import polars as pl

from pipelines.analytics.calendar import ASSET, on_calendar, segment
from pipelines.analytics.moving import with_wilder


def rsi(
    frame: pl.LazyFrame,
    *,
    n: int,
    max_gap_d: int,
    value: str = "close_usd",
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Wilder's relative strength index (formula: relative-strength-index).

    Gains and losses are those from one observation to the next; both averages are seeded by the
    SMA of the first n changes.

    Args:
        frame: one row per (entity, day) with ``value``.
        n: number of changes in the seed.
        max_gap_d: after more missing days than this the index starts anew.
        value: the column to read.
        entity: the key column of the series.

    Returns:
        The rows given with ``rsi_<n>`` (0-100): NULL before the (n+1)-th observation of a
        stretch and on days without one; 100 if nothing was ever lost; 50 if nothing ever moved.
    """
    return on_calendar(
        frame,
        lambda spine: with_rsi(spine, n=n, max_gap_d=max_gap_d, value=value),
        entity=entity,
    )


def with_rsi(
    spine: pl.LazyFrame, *, n: int, max_gap_d: int, value: str = "close_usd"
) -> pl.LazyFrame:
    """RSI on a dense frame."""
    price = pl.col(value)
    change = price - price.forward_fill().shift(1).over("_price_stretch")
    spine = (
        spine.with_columns(segment(price, max_gap_d=max_gap_d).alias("_price_stretch"))
        .with_columns(change.alias("_change"))
        .with_columns(
            pl.col("_change").clip(lower_bound=0.0).alias("_gain"),
            (-pl.col("_change")).clip(lower_bound=0.0).alias("_loss"),
        )
    )
    for side in ("_gain", "_loss"):
        spine = with_wilder(spine, value=side, n=n, max_gap_d=max_gap_d, alias=f"{side}_average")
    gain, loss = pl.col("_gain_average"), pl.col("_loss_average")
    index = (
        pl.when((gain == 0) & (loss == 0))
        .then(50.0)
        .when(gain.is_not_null())
        # 100 gain/(gain + loss) is 100 - 100/(1 + gain/loss) without dividing by a zero loss
        .then(100 * gain / (gain + loss))
    )
    return spine.with_columns(index.alias(f"rsi_{n}")).drop(
        "_price_stretch", "_change", "_gain", "_loss", "_gain_average", "_loss_average"
    )
