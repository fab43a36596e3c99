"""Crosses of a fast line over a slow one."""

from __future__ import annotations

import polars as pl

from pipelines.analytics.calendar import ASSET, ROUNDING, on_calendar, segment


def cross(
    frame: pl.LazyFrame,
    *,
    fast: str,
    slow: str,
    alias: str,
    max_gap_d: int,
    entity: str = ASSET,
) -> pl.LazyFrame:
    """Days on which the fast line changes sides of the slow one (formula: moving-average-cross).

    A difference of zero keeps the sign before it (a difference of float rounding is zero). The
    sign survives up to ``max_gap_d`` days on which either line is unknown; after more of them
    the next value is a first value, and a first value is no event.

    Args:
        frame: one row per (entity, day) with the two lines.
        fast: column of the fast line.
        slow: column of the slow line.
        alias: name of the result.
        max_gap_d: see above.
        entity: the key column of the series.

    Returns:
        The rows given with ``alias``: ``golden`` (fast rises above slow), ``death`` (falls
        below) or NULL (no event).
    """
    return on_calendar(
        frame,
        lambda spine: with_cross(spine, fast=fast, slow=slow, alias=alias, max_gap_d=max_gap_d),
        entity=entity,
    )


def with_cross(
    spine: pl.LazyFrame, *, fast: str, slow: str, alias: str, max_gap_d: int
) -> pl.LazyFrame:
    """Crosses on a dense frame."""
    spread = pl.col(fast) - pl.col(slow)
    noise = ROUNDING * pl.max_horizontal(pl.col(fast).abs(), pl.col(slow).abs())
    side = pl.when(spread > noise).then(1).when(spread < -noise).then(-1)
    before = pl.col("_side").forward_fill().shift(1).over("_stretch")
    changed = pl.col("_side") != before
    return (
        spine.with_columns(
            segment(spread, max_gap_d=max_gap_d).alias("_stretch"),
            side.cast(pl.Int8).alias("_side"),
        )
        .with_columns(
            pl.when(changed & (pl.col("_side") > 0))
            .then(pl.lit("golden"))
            .when(changed)
            .then(pl.lit("death"))
            .alias(alias)
        )
        .drop("_stretch", "_side")
    )
