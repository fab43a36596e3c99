"""Price levels: pivots, swings, their clusters, the nearest ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.analytics.calendar import (
    ASSET,
    DAY,
    SERIES,
    AnalyticsError,
    FloatArray,
    IntArray,
    Panel,
    as_given,
    dense,
    lagged,
    on_calendar,
)
from pipelines.analytics.ranges import with_atr

PIVOTS: Final = ("pivot_p", "pivot_r1", "pivot_s1", "pivot_r2", "pivot_s2", "pivot_r3", "pivot_s3")
WEEKLY_PIVOTS: Final = tuple(name.replace("pivot_", "pivot_week_") for name in PIVOTS)

_BLOCK_CELLS: Final = 2_000_000
"""Size of a block of work; a bound on memory with no effect on the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelParameters:
    """What a swing, a level and a touch are; the values are a seed.

    Attributes:
        swing_bars: bars on each side that a swing must stand out from.
        merge_atr: a swing within this distance of a level, in ATR, joins it.
        touch_atr: a bar whose high or low comes this close, in its ATR, touches a level.
        lookback_d: days that a level lives after its newest swing, and that touches count for.
        half_life_d: age at which a touch weighs half, in days.
        max_per_side: nearest levels kept above and below the close; None keeps all.
        atr_d: span of the ATR.
        max_gap_d: missing days after which the ATR starts anew.
    """

    swing_bars: int
    merge_atr: float
    touch_atr: float
    lookback_d: int
    half_life_d: float
    max_per_side: int | None
    atr_d: int
    max_gap_d: int

    def __post_init__(self) -> None:
        """Refuse a level that would be dead before it is known."""
        if self.lookback_d <= self.swing_bars or self.half_life_d < 1:
            msg = f"needs lookback_d > swing_bars and half_life_d >= 1: {self}"
            raise AnalyticsError(msg)


def pivots(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Floor-trader pivots of the day before (formula: floor-pivots).

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.

    Returns:
        The rows given with ``pivot_p``, ``pivot_r1`` ... ``pivot_s3`` in USD; NULL unless the
        day before has a whole bar. Known from the day before.
    """
    return on_calendar(frame, with_pivots)


def weekly_pivots(frame: pl.LazyFrame, *, min_days: int) -> pl.LazyFrame:
    """Floor-trader pivots of the last ISO week that was over before the day's own began.

    Formula: floor-pivots.

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.
        min_days: whole bars that the week needs.

    Returns:
        The rows given with ``pivot_week_p``, ``pivot_week_r1`` ... ``pivot_week_s3`` in USD, of
        the highest high, the lowest low and the last close of that week. Known from its Sunday.
    """
    bar = _whole_bar()
    week = pl.col(DAY).dt.truncate("1w")
    spine = dense(frame).with_columns(week.alias("_week"))
    weeks = (
        spine.filter(bar)
        .group_by(SERIES, "_week")
        .agg(
            pl.len().alias("_days"),
            pl.col("high_usd").max().alias("_high"),
            pl.col("low_usd").min().alias("_low"),
            pl.col("close_usd").sort_by(DAY).last().alias("_close"),
        )
        .filter(pl.col("_days") >= min_days)
        .with_columns(pl.col("_week").dt.offset_by("7d"))
    )
    joined = spine.join(weeks, on=[SERIES, "_week"], how="left", maintain_order="left")
    named = dict(zip(PIVOTS, WEEKLY_PIVOTS, strict=True))
    return as_given(
        joined.with_columns(expr.alias(named[name]) for name, expr in _pivot_exprs().items())
    )


def pivot_levels(frame: pl.LazyFrame, *, min_week_days: int) -> pl.LazyFrame:
    """The pivots as rows, under names that ``levels`` uses too (formula: floor-pivots).

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.
        min_week_days: see ``weekly_pivots``.

    Returns:
        One row per (asset_id, day, level_id): ``level_id`` (the name of the pivot),
        ``level_kind`` ('pivot_day' or 'pivot_week'), ``level_usd`` and ``known_from_day``.
    """
    # the Sunday before the week of the day: day - (weekday), with Monday 1
    sunday = (pl.col(DAY).to_physical() - pl.col(DAY).dt.weekday()).cast(pl.Int32).cast(pl.Date)
    is_week = pl.col("level_id").is_in(WEEKLY_PIVOTS)
    return (
        weekly_pivots(pivots(frame), min_days=min_week_days)
        .unpivot(
            [*PIVOTS, *WEEKLY_PIVOTS],
            index=[ASSET, DAY],
            variable_name="level_id",
            value_name="level_usd",
        )
        .filter(pl.col("level_usd").is_not_null())
        .select(
            ASSET,
            DAY,
            "level_id",
            pl.when(is_week)
            .then(pl.lit("pivot_week"))
            .otherwise(pl.lit("pivot_day"))
            .alias("level_kind"),
            "level_usd",
            pl.when(is_week)
            .then(sunday)
            .otherwise(pl.col(DAY).dt.offset_by("-1d"))
            .alias("known_from_day"),
        )
        .sort(ASSET, DAY, "level_id")
    )


def swings(frame: pl.LazyFrame, *, bars: int) -> pl.LazyFrame:
    """Swing highs and lows (Williams' fractals).

    A swing is found ``bars`` days after it happened, looking back only.

    Args:
        frame: one row per (asset_id, day) with ``high_usd`` and ``low_usd``.
        bars: bars on each side; all of them must be there, and none may reach the swing's own
            high (low).

    Returns:
        One row per swing: asset_id, ``swing_day``, ``known_from_day`` (swing_day + bars),
        ``kind`` ('high' or 'low') and ``price_usd``.
    """
    return _swings(dense(frame), bars).drop(SERIES)


def levels(frame: pl.LazyFrame, parameters: LevelParameters) -> pl.LazyFrame:
    """Support and resistance levels as they were known on each day.

    Formulas: swing-level, level-cluster, nearest-level.

    On the day a swing becomes known it joins the nearest living level within ``merge_atr`` ATR of
    that day, which moves to the mean of its swings, or opens a level of its own (also while the
    ATR is unknown). A level is named after the swing that opened it and keeps its name. It lives
    until ``lookback_d`` days after its newest swing. Its touches are those bars of the last
    ``lookback_d`` days, the day's own included, whose high or low came within ``touch_atr`` of
    their own ATR of the level's price of the day.

    Args:
        frame: one row per (asset_id, day) with ``high_usd``, ``low_usd``, ``close_usd``.
        parameters: what a swing, a level and a touch are.

    Returns:
        One row per asset, day with a close and level known by then: asset_id, day, ``level_id``
        ('<high or low>|<swing day>', unique per asset), ``level_kind`` ('swing'),
        ``level_usd``, ``known_from_day`` (of the level), ``price_known_from_day`` (of its present
        price), ``swing_count``, ``last_swing_day``, ``touch_count``, ``strength`` (touches, each
        halved per ``half_life_d`` of age), ``side`` ('support', 'resistance' or 'at'),
        ``dist_atr`` ((level - close)/ATR; NULL without an ATR) and ``is_nearest`` of its side.
    """
    p = parameters
    schema = {
        ASSET: frame.collect_schema()[ASSET],
        DAY: pl.Date(),
        "level_id": pl.String(),
        "level_kind": pl.String(),
        "level_usd": pl.Float64(),
        "known_from_day": pl.Date(),
        "price_known_from_day": pl.Date(),
        "swing_count": pl.Int32(),
        "last_swing_day": pl.Date(),
        "touch_count": pl.Int32(),
        "strength": pl.Float64(),
        "side": pl.String(),
        "dist_atr": pl.Float64(),
        "is_nearest": pl.Boolean(),
    }
    wanted = frame.select(ASSET, DAY, "high_usd", "low_usd", "close_usd")

    def run(spine: pl.DataFrame) -> pl.DataFrame:
        found = _swings(spine.lazy(), p.swing_bars).collect()
        market = _Market(spine, p.atr_d)
        versions = _cluster(found, market, p)
        parts = [
            _daily(versions[start:stop], market, p)
            for start, stop in _blocks(versions, p.lookback_d)
        ]
        if not parts:
            return pl.DataFrame(schema=schema)
        # the blocks are whole assets in order, so the parts are in order too
        return pl.concat(parts).select(list(schema))

    spine = with_atr(dense(wanted), n=p.atr_d, max_gap_d=p.max_gap_d)
    return spine.map_batches(run, schema=schema)


def nearest_levels(level_rows: pl.LazyFrame) -> pl.LazyFrame:
    """Nearest support and resistance of each day (formula: nearest-level).

    Args:
        level_rows: result of ``levels``.

    Returns:
        One row per (asset_id, day) that has a level on either side: ``nearest_support_usd`` and
        ``nearest_resistance_usd``, ``support_dist_atr`` and ``resistance_dist_atr`` (distance in
        ATR, above 0); NULL where there is none on that side.
    """
    columns = []
    for side in ("support", "resistance"):
        chosen = pl.col("is_nearest") & (pl.col("side") == side)
        columns += [
            pl.col("level_usd").filter(chosen).first().alias(f"nearest_{side}_usd"),
            pl.col("dist_atr").abs().filter(chosen).first().alias(f"{side}_dist_atr"),
        ]
    return (
        level_rows.filter(pl.col("is_nearest")).group_by(ASSET, DAY).agg(columns).sort(ASSET, DAY)
    )


def with_pivots(spine: pl.LazyFrame) -> pl.LazyFrame:
    """Daily pivots on a dense frame."""
    bar = _whole_bar()
    return (
        spine.with_columns(
            pl.when(lagged(bar, 1)).then(lagged(pl.col(f"{name}_usd"), 1)).alias(f"_{name}")
            for name in ("high", "low", "close")
        )
        .with_columns(expr.alias(name) for name, expr in _pivot_exprs().items())
        .drop("_high", "_low", "_close")
    )


def _whole_bar() -> pl.Expr:
    return (
        pl.col("high_usd").is_not_null()
        & pl.col("low_usd").is_not_null()
        & pl.col("close_usd").is_not_null()
    )


def _pivot_exprs() -> dict[str, pl.Expr]:
    high, low, close = pl.col("_high"), pl.col("_low"), pl.col("_close")
    middle = (high + low + close) / 3
    values = (
        middle,
        2 * middle - low,
        2 * middle - high,
        middle + (high - low),
        middle - (high - low),
        high + 2 * (middle - low),
        low - 2 * (high - middle),
    )
    # after a wide day the lower ones lie below zero, where there is no price
    return {
        name: pl.when(value > 0).then(value) for name, value in zip(PIVOTS, values, strict=True)
    }


def _swings(spine: pl.LazyFrame, bars: int) -> pl.LazyFrame:
    """Swings of a dense frame, with the number of the series."""
    candidates = []
    for kind, column, sign in (("high", "high_usd", 1), ("low", "low_usd", -1)):
        height = sign * pl.col(column)
        after = height.rolling_max(bars, min_samples=bars).over(SERIES)
        middle = lagged(height, bars)
        before = lagged(pl.col("_after"), bars + 1)
        candidates.append(
            spine.with_columns(middle.alias("_middle"), after.alias("_after"))
            .with_columns(before.alias("_before"))
            .filter(
                (pl.col("_middle") > pl.col("_after")) & (pl.col("_middle") > pl.col("_before"))
            )
            .select(
                ASSET,
                SERIES,
                pl.col(DAY).dt.offset_by(f"-{bars}d").alias("swing_day"),
                pl.col(DAY).alias("known_from_day"),
                pl.lit(kind).alias("kind"),
                (sign * pl.col("_middle")).alias("price_usd"),
            )
        )
    return pl.concat(candidates).sort(SERIES, "known_from_day", "kind")


class _Market:
    """The dense bars as arrays, and where each series begins among them."""

    def __init__(self, spine: pl.DataFrame, atr_d: int) -> None:
        panel = Panel(spine)
        self.first_row = panel.first_row
        self.length = panel.length
        self.first_day: IntArray = (
            spine[DAY].to_physical().to_numpy().astype(np.int64)[panel.first_row]
        )
        self.names = spine[ASSET].gather(panel.first_row)
        self.high = spine["high_usd"].to_numpy()
        self.low = spine["low_usd"].to_numpy()
        self.close = spine["close_usd"].to_numpy()
        self.atr = spine[f"atr_{atr_d}"].to_numpy()

    def row(self, series: IntArray, day: IntArray) -> IntArray:
        """Row of the bars that holds a day of a series."""
        rows: IntArray = self.first_row[series] + day - self.first_day[series]
        return rows

    def with_keys(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Write asset and day into rows that name a series and a bar."""
        series, bar = rows["_series_no"].to_numpy(), rows["bar"].to_numpy()
        day = pl.Series(DAY, bar - self.first_row[series] + self.first_day[series])
        return rows.with_columns(
            self.names.gather(series).alias(ASSET), day.cast(pl.Int32).cast(pl.Date)
        )


def _cluster(found: pl.DataFrame, market: _Market, p: LevelParameters) -> pl.DataFrame:
    """Assign the swings to levels: one row per level and price that it had.

    Formula: level-cluster.

    Steps through the ordinal of an asset's swings, all assets at once: the k-th swing of every
    asset that has one looks at the levels its asset opened before.

    Returns:
        One row per version of a level, sorted by series and level: ``series``, ``level_no``,
        ``price``, ``from_day`` and ``to_day`` (inclusive; empty versions are left out), ``days``,
        ``swing_count``, ``last_swing``, and of the opening swing ``kind``, ``opened`` (its day)
        and ``known`` (the day it became known). Days count from 1970.
    """
    series = found[SERIES].to_numpy().astype(np.int64) - 1
    count = np.bincount(series, minlength=len(market.first_row))
    ordinal = np.arange(len(series)) - np.repeat(np.cumsum(count) - count, count)
    price = found["price_usd"].to_numpy()
    swing_day = found["swing_day"].to_physical().to_numpy().astype(np.int64)
    known_day = found["known_from_day"].to_physical().to_numpy().astype(np.int64)
    tolerance = np.nan_to_num(p.merge_atr * market.atr[market.row(series, known_day)], nan=0.0)

    assets, slots = len(market.first_row), int(count.max(initial=0))
    mean = np.full((assets, slots), np.nan)
    swing_count = np.zeros((assets, slots), dtype=np.int64)
    newest = np.full((assets, slots), np.iinfo(np.int64).min // 2)
    opened = np.zeros(assets, dtype=np.int64)
    level_no = np.zeros(len(series), dtype=np.int64)
    price_after = np.zeros(len(series))
    count_after = np.zeros(len(series), dtype=np.int64)
    order = np.argsort(ordinal, kind="stable")
    bounds = np.searchsorted(ordinal[order], np.arange(slots + 1))
    for step in range(slots):
        swing = order[bounds[step] : bounds[step + 1]]
        asset, width = series[swing], max(int(opened.max(initial=0)), 1)
        living = newest[asset, :width] > (known_day[swing] - p.lookback_d)[:, None]
        gap = np.where(living, np.abs(mean[asset, :width] - price[swing][:, None]), np.inf)
        nearest = np.argmin(gap, axis=1)
        joins = gap[np.arange(len(swing)), nearest] <= tolerance[swing]
        slot = np.where(joins, nearest, opened[asset])
        opened[asset] += ~joins
        members = np.where(joins, swing_count[asset, slot], 0) + 1
        old = np.where(joins, mean[asset, slot], price[swing])
        mean[asset, slot] = old + (price[swing] - old) / members
        swing_count[asset, slot] = members
        newest[asset, slot] = np.maximum(newest[asset, slot], swing_day[swing])
        level_no[swing], count_after[swing] = slot, members
        price_after[swing] = mean[asset, slot]
    return _versions(
        found.select(
            pl.Series("series", series),
            pl.Series("level_no", level_no),
            pl.Series("price", price_after),
            pl.Series("swing_count", count_after),
            pl.Series("swing_day", swing_day),
            pl.Series("known_day", known_day),
            pl.Series("last_day", (market.first_day + market.length - 1)[series]),
            "kind",
        ),
        p.lookback_d,
    )


def _versions(joined: pl.DataFrame, lookback_d: int) -> pl.DataFrame:
    """From which day to which a level had each of its prices."""
    ordered = joined.sort("series", "level_no", "known_day", "swing_count")
    series, level_no = ordered["series"].to_numpy(), ordered["level_no"].to_numpy()
    known_day = ordered["known_day"].to_numpy()
    last_day = ordered["last_day"].to_numpy()
    to_day = np.minimum(ordered["swing_day"].to_numpy() + lookback_d - 1, last_day)
    # the next version of the same level takes over on its first day; a row of day d still holds
    # the version known on d
    same = (series[1:] == series[:-1]) & (level_no[1:] == level_no[:-1])
    to_day[:-1][same] = np.minimum(to_day[:-1], known_day[1:] - 1)[same]
    level = ["series", "level_no"]
    return (
        ordered.with_columns(
            pl.Series("to_day", to_day),
            pl.Series("days", to_day - known_day + 1),
            pl.col("kind").first().over(level),
            pl.col("swing_day").first().over(level).alias("opened"),
            pl.col("known_day").first().over(level).alias("known"),
        )
        .rename({"known_day": "from_day", "swing_day": "last_swing"})
        .filter(pl.col("days") > 0)
    )


def _blocks(versions: pl.DataFrame, lookback_d: int) -> list[tuple[int, int]]:
    """Cut the versions into slices of whole assets that fit into memory."""
    if not versions.height:
        return []
    series = versions["series"].to_numpy()
    width = int(versions["days"].to_numpy().max()) + lookback_d
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    block = starts * width // _BLOCK_CELLS
    edges = starts[np.flatnonzero(np.diff(block, prepend=-1))]
    stops = np.append(edges[1:], versions.height)
    return list(zip(edges.tolist(), stops.tolist(), strict=True))


def _daily(versions: pl.DataFrame, market: _Market, p: LevelParameters) -> pl.DataFrame:
    """Write the versions of some assets' levels out by day, with their touches."""
    series, days = versions["series"].to_numpy(), versions["days"].to_numpy()
    first_bar = market.row(series, versions["from_day"].to_numpy())
    touches, strength = _touches(versions, first_bar, market, p)
    alive = np.arange(touches.shape[1]) < days[:, None]
    version, offset = np.nonzero(alive)
    bar = first_bar[version] + offset
    rows = pl.DataFrame(
        {
            "version": version,
            "bar": bar,
            "touch_count": touches[alive],
            "strength": strength[alive],
            "close": market.close[bar],
            "atr": market.atr[bar],
        },
        nan_to_null=True,
    ).filter(pl.col("close").is_not_null())
    facts = versions.with_row_index("version").with_columns(pl.col("version").cast(pl.Int64))
    gap = pl.col("price") - pl.col("close")
    side = (
        pl.when(gap < 0).then(pl.lit("support")).when(gap > 0).then(pl.lit("resistance"))
    ).otherwise(pl.lit("at"))
    place = pl.col("gap").abs().rank("ordinal").over("bar", "side")
    kept = pl.lit(value=True) if p.max_per_side is None else pl.col("place") <= p.max_per_side
    return (
        rows.join(facts, on="version", how="left", maintain_order="left")
        .with_columns(gap.alias("gap"), side.alias("side"))
        .with_columns(place.alias("place"))
        .filter(kept | (pl.col("side") == "at"))
        .sort("bar", "level_no")
        .select(
            pl.col("series").alias("_series_no"),
            pl.col("bar"),
            pl.concat_str(
                [pl.col("kind"), _date(pl.col("opened")).dt.to_string("%Y-%m-%d")], separator="|"
            ).alias("level_id"),
            pl.lit("swing").alias("level_kind"),
            pl.col("price").alias("level_usd"),
            _date(pl.col("known")).alias("known_from_day"),
            _date(pl.col("from_day")).alias("price_known_from_day"),
            pl.col("swing_count").cast(pl.Int32),
            _date(pl.col("last_swing")).alias("last_swing_day"),
            pl.col("touch_count").cast(pl.Int32),
            "strength",
            "side",
            pl.when(pl.col("atr") > 0).then(pl.col("gap") / pl.col("atr")).alias("dist_atr"),
            ((pl.col("place") == 1) & (pl.col("side") != "at")).alias("is_nearest"),
        )
        .pipe(market.with_keys)
    )


def _date(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Int32).cast(pl.Date)


def _touches(
    versions: pl.DataFrame, first_bar: IntArray, market: _Market, p: LevelParameters
) -> tuple[IntArray, FloatArray]:
    """Touches of the last ``lookback_d`` days, and their faded sum, per version and day.

    Row i is a version; column j is the j-th day that it was in force.
    """
    series, days = versions["series"].to_numpy(), versions["days"].to_numpy()
    price = versions["price"].to_numpy()[:, None]
    window = p.lookback_d
    step = np.arange(window - 1 + int(days.max()))
    bar = first_bar[:, None] - (window - 1) + step
    exists = (bar >= market.first_row[series][:, None]) & (step < (window - 1 + days)[:, None])
    bar = np.where(exists, bar, 0)
    reach = p.touch_atr * market.atr[bar]
    touched = exists & (
        (np.abs(market.high[bar] - price) <= reach) | (np.abs(market.low[bar] - price) <= reach)
    )
    # weights grow by 2^(1/half-life) a day and are scaled back to the day they are read on
    growth = np.exp2(step / p.half_life_d)
    counts = np.zeros((len(versions), len(step) + 1), dtype=np.int64)
    faded = np.zeros(counts.shape)
    np.cumsum(touched, axis=1, out=counts[:, 1:])
    np.cumsum(touched * growth, axis=1, out=faded[:, 1:])
    touch_count = counts[:, window:] - counts[:, :-window]
    strength = (faded[:, window:] - faded[:, :-window]) / growth[window - 1 :]
    return touch_count, np.where(touch_count > 0, strength, 0.0)
