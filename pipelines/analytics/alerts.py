"""When an alert may fire again: re-arming, cool-downs, latches and confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCrossParameters:
    """When a close is news about a level; the values are a seed.

    Attributes:
        rearm_atr: distance from the level, in ATR, that arms its alert again.
        clear_atr: distance, in ATR, that the close must have put between itself and the level; 0
            lets every cross count.
    """

    rearm_atr: float
    clear_atr: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSpikeParameters:
    """``fire_z`` fires; below ``rearm_z`` arms again (a seed)."""

    fire_z: float
    rearm_z: float


def rearming(
    frame: pl.LazyFrame, *, keys: Sequence[str], trigger: str, rearm: str, alias: str = "fires"
) -> pl.LazyFrame:
    """Fire on a trigger while armed; after that only once ``rearm`` has been true.

    Formula: alert-rules.

    A series begins armed. A day fires first and arms afterwards, so a day on which both are
    true may fire and leaves the alert armed for the next day. NULL is neither.

    Args:
        frame: one row per (keys, day) with two boolean columns; a missing day changes nothing.
        keys: columns that name the series.
        trigger: column of the condition to fire.
        rearm: column of the condition to arm again.
        alias: name of the result.

    Returns:
        The rows given, sorted by keys and day, with ``alias`` (boolean, not NULL).
    """
    # between two days that arm, the first trigger fires and no other does
    armings = pl.col(rearm).fill_null(value=False).cum_sum()
    epoch = (armings.shift(1).fill_null(0)).over(keys)
    fires = pl.col(trigger).fill_null(value=False)
    return (
        frame.sort(*keys, DAY)
        .with_columns(epoch.alias("_epoch"))
        .with_columns((fires & (fires.cum_sum().over(*keys, "_epoch") == 1)).alias(alias))
        .drop("_epoch")
    )


def cooling_down(
    frame: pl.LazyFrame, *, keys: Sequence[str], trigger: str, days: int, alias: str = "fires"
) -> pl.LazyFrame:
    """Fire on a trigger unless the series fired less than ``days`` days before.

    Formula: alert-rules.

    Args:
        frame: one row per (keys, day) with the boolean column ``trigger`` (NULL is false).
        keys: columns that name the series.
        trigger: column of the condition to fire.
        days: length of the silence; 1 fires on every triggered day.
        alias: name of the result.

    Returns:
        The rows given, sorted by keys and day, with ``alias`` (boolean, not NULL).
    """
    schema = dict(frame.collect_schema()) | {alias: pl.Boolean()}

    def run(given: pl.DataFrame) -> pl.DataFrame:
        given = given.sort(*keys, DAY)
        number = given.select(pl.struct(keys).rle_id()).to_series().to_numpy().astype(np.int64)
        day = given[DAY].to_physical().to_numpy().astype(np.int64)
        day -= day.min(initial=0)
        # one axis for all series: the days of a series never reach into the next one
        span = int(day.max(initial=0)) + days + 1
        at = number * span + day
        triggered = np.flatnonzero(given[trigger].fill_null(value=False).to_numpy())
        fires = np.zeros(given.height, dtype=np.bool_)
        starts = np.flatnonzero(np.diff(number[triggered], prepend=-1))
        stops = np.append(starts[1:], len(triggered))
        while len(starts):
            fires[triggered[starts]] = True
            starts = np.searchsorted(at[triggered], at[triggered[starts]] + days)
            alive = starts < stops
            starts, stops = starts[alive], stops[alive]
        return given.with_columns(pl.Series(alias, fires))

    return frame.map_batches(run, schema=schema)


def latch(
    frame: pl.LazyFrame, *, keys: Sequence[str], rises: str, clears: str, alias: str
) -> pl.LazyFrame:
    """A flag that stays up from ``rises`` until ``clears`` (a breakdown and its end).

    Args:
        frame: one row per (keys, day) with two boolean columns (NULL changes nothing).
        keys: columns that name the series.
        rises: column of the condition that raises the flag; it wins over ``clears``.
        clears: column of the condition that lowers it.
        alias: name of the result.

    Returns:
        The rows given, sorted by keys and day, with ``alias`` and ``<alias>_edge``: 1 on the day
        it rose, -1 on the day it fell, else 0.
    """
    last = (
        pl.when(pl.col(rises).fill_null(value=False))
        .then(statement=True)
        .when(pl.col(clears).fill_null(value=False))
        .then(statement=False)
        .forward_fill()
        .fill_null(value=False)
        .over(keys)
    )
    before = pl.col(alias).shift(1).fill_null(value=False).over(keys)
    return (
        frame.sort(*keys, DAY)
        .with_columns(last.alias(alias))
        .with_columns((pl.col(alias).cast(pl.Int8) - before.cast(pl.Int8)).alias(f"{alias}_edge"))
    )


def new_high(
    frame: pl.LazyFrame, *, keys: Sequence[str], value: str, days_below: int, alias: str = "fires"
) -> pl.LazyFrame:
    """A value above everything before it, after at least ``days_below`` days below (``ath``).

    Args:
        frame: one row per (keys, day) with ``value``.
        keys: columns that name the series.
        value: the column to watch.
        days_below: days since the old high was last reached that make the new one an event.
        alias: name of the result.

    Returns:
        The rows given, sorted by keys and day, with ``alias`` (boolean, not NULL).
    """
    current = pl.col(value)
    peak = pl.col("_peak_before")
    reached = pl.when(current.is_not_null() & (current >= peak.fill_null(current))).then(
        pl.col(DAY)
    )
    waited = (pl.col(DAY) - reached.forward_fill().shift(1).over(keys)).dt.total_days()
    return (
        frame.sort(*keys, DAY)
        .with_columns(current.cum_max().forward_fill().shift(1).over(keys).alias("_peak_before"))
        .with_columns(
            ((current > peak) & (waited > days_below)).fill_null(value=False).alias(alias)
        )
        .drop("_peak_before")
    )


def level_crosses(
    levels: pl.LazyFrame,
    prices: pl.LazyFrame,
    parameters: LevelCrossParameters,
    *,
    atr: str,
) -> pl.LazyFrame:
    """Closes that cross a level which was known the day before (``level_cross``).

    Args:
        levels: one row per (asset_id, day, level_id) with ``level_usd``, as known on that day.
        prices: one row per (asset_id, day) with ``close_usd`` and the ATR.
        parameters: the distances that count and that arm again.
        atr: column of the ATR in USD.

    Returns:
        One row per alert: asset_id, day, level_id, ``level_usd`` (as known the day before),
        ``close_usd`` and ``direction`` ('up' or 'down').
    """
    level = pl.col("level_usd")
    close, before = pl.col("close_usd"), pl.col("_close_before")
    noise = ROUNDING * level.abs()
    above = pl.when((close - level).abs() > noise).then((close - level).sign())
    was_above = pl.when((before - level).abs() > noise).then((before - level).sign())
    distance = (close - level).abs()
    clears = distance >= parameters.clear_atr * pl.col("_atr")
    if not parameters.clear_atr:
        clears = pl.lit(value=True)
    today = prices.select(ASSET, DAY, "close_usd", pl.col(atr).alias("_atr"))
    yesterday = prices.select(
        ASSET,
        pl.col(DAY).dt.offset_by("1d").alias(DAY),
        pl.col("close_usd").alias("_close_before"),
    )
    known = (
        levels.select(ASSET, pl.col(DAY).dt.offset_by("1d").alias(DAY), "level_id", "level_usd")
        .join(today, on=[ASSET, DAY])
        .join(yesterday, on=[ASSET, DAY])
        .with_columns(
            ((above != was_above) & clears).alias("_crosses"),
            (distance > parameters.rearm_atr * pl.col("_atr")).alias("_arms"),
            pl.when(close > level).then(pl.lit("up")).otherwise(pl.lit("down")).alias("direction"),
        )
    )
    return (
        rearming(known, keys=[ASSET, "level_id"], trigger="_crosses", rearm="_arms", alias="_fires")
        .filter(pl.col("_fires"))
        .select(ASSET, DAY, "level_id", "level_usd", "close_usd", "direction")
        .sort(ASSET, DAY, "level_id")
    )


def volume_spikes(
    frame: pl.LazyFrame, parameters: VolumeSpikeParameters, *, value: str
) -> pl.LazyFrame:
    """Days of unusual volume (``volume_spike``).

    Args:
        frame: one row per (asset_id, day) with the z-score.
        parameters: thresholds to fire and to arm again.
        value: column of the z-score.

    Returns:
        One row per alert: asset_id, day and the z-score.
    """
    marked = frame.select(
        ASSET,
        DAY,
        value,
        (pl.col(value) >= parameters.fire_z).alias("_spikes"),
        (pl.col(value) < parameters.rearm_z).alias("_arms"),
    )
    return (
        rearming(marked, keys=[ASSET], trigger="_spikes", rearm="_arms", alias="_fires")
        .filter(pl.col("_fires"))
        .select(ASSET, DAY, value)
    )
