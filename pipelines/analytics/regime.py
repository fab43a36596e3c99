"""Labels that need confirming, rotation, and narrative baskets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.analytics.calendar import (
    ASSET,
    DAY,
    ROUNDING,
    SERIES,
    dense,
    in_order,
    lagged,
    on_calendar,
    segment,
)
from pipelines.analytics.moving import sma_expr

NARRATIVE: Final = "narrative_id"


def confirmed(
    frame: pl.LazyFrame, *, entity: str, label: str, days: int, alias: str | None = None
) -> pl.LazyFrame:
    """A label that changes only when the new one has stood for ``days`` days.

    Formulas: market-regime, alert-rules.

    A day without a label leaves the count where it is, as in the signal machine.

    Args:
        frame: one row per (entity, day) with the raw label.
        entity: the key column of the series.
        label: column of the raw label.
        days: consecutive labelled days, the first one of the new label included.
        alias: name of the result, ``<label>_confirmed`` unless given.

    Returns:
        The rows given with ``alias`` (NULL before the first confirmation and on days without a
        label) and ``<alias>_from``, the label that a confirmed change replaced (NULL otherwise).
    """
    name = alias or f"{label}_confirmed"
    labelled = pl.col(label).is_not_null()
    before = pl.col(label).forward_fill().shift(1).over(SERIES)
    run = (labelled & (before.is_null() | (pl.col(label) != before))).cum_sum()
    stood = labelled.cum_sum().over("_run")
    steady = pl.when(labelled & (pl.col("_stood") >= days)).then(pl.col(label))
    earlier = pl.col("_steady").shift(1).over(SERIES)

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        return (
            spine.with_columns(run.alias("_run"))
            .with_columns(stood.alias("_stood"))
            .with_columns(steady.forward_fill().over(SERIES).alias("_steady"))
            .with_columns(
                pl.when(labelled).then(pl.col("_steady")).alias(name),
                pl.when(labelled & (pl.col("_steady") != earlier))
                .then(earlier)
                .alias(f"{name}_from"),
            )
        )

    return on_calendar(frame, compute, entity=entity)


def market_mood(frame: pl.LazyFrame, *, bull_breadth: float) -> pl.LazyFrame:
    """What the market looks like on a day by itself, to be confirmed afterwards.

    Formula: market-regime.

    Args:
        frame: one row per day with ``total_mcap_usd``, ``total_mcap_sma_200_usd`` and
            ``breadth_above_sma50`` (0 to 1).
        bull_breadth: part of the members above their average that is more than half a market.

    Returns:
        The rows given with ``mood``: 'bull' (total above its average, breadth above
        ``bull_breadth``), 'bear' (both below), else 'neutral'; NULL if any of the three is unknown.
        A value on the line is on neither side.
    """
    total, average = pl.col("total_mcap_usd"), pl.col("total_mcap_sma_200_usd")
    breadth = pl.col("breadth_above_sma50")
    known = total.is_not_null() & average.is_not_null() & breadth.is_not_null()
    return frame.with_columns(
        pl.when(~known)
        .then(None)
        .when((total > average) & (breadth > bull_breadth))
        .then(pl.lit("bull"))
        .when((total < average) & (breadth < bull_breadth))
        .then(pl.lit("bear"))
        .otherwise(pl.lit("neutral"))
        .alias("mood")
    )


def days_in_label(
    frame: pl.LazyFrame, *, entity: str, label: str, max_gap_d: int, alias: str
) -> pl.LazyFrame:
    """How long a label has stood (``days_in_quadrant``).

    Args:
        frame: one row per (entity, day) with the label.
        entity: the key column of the series.
        label: the column to watch.
        max_gap_d: after more unlabelled days than this the count starts anew.
        alias: name of the result.

    Returns:
        The rows given with ``alias``: calendar days since the label's run began, 1 on its first
        day; NULL on days without a label.
    """
    labelled = pl.col(label).is_not_null()
    before = pl.col(label).forward_fill().shift(1).over("_stretch")
    starts = labelled & (before.is_null() | (pl.col(label) != before))
    first = pl.when(pl.col("_starts")).then(pl.col(DAY)).forward_fill().over(SERIES)

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        return (
            spine.with_columns(segment(pl.col(label), max_gap_d=max_gap_d).alias("_stretch"))
            .with_columns(starts.alias("_starts"))
            .with_columns(
                pl.when(labelled)
                .then((pl.col(DAY) - first).dt.total_days() + 1)
                .cast(pl.Int32)
                .alias(alias)
            )
        )

    return on_calendar(frame, compute, entity=entity)


def rotation(
    frame: pl.LazyFrame, *, entity: str, fast: int, slow: int, momentum: int, centre: float
) -> pl.LazyFrame:
    """Relative-rotation coordinates of a basket against the market (formula: relative-rotation).

    Args:
        frame: one row per (entity, day) with ``index_level`` and ``benchmark_level``.
        entity: the key column of the series.
        fast: short window of the relative strength.
        slow: long window of the relative strength.
        momentum: window of the mean that the ratio is held against.
        centre: scale, and border of the quadrants (100).

    Returns:
        The rows given with ``rs_ratio`` = centre SMA_fast(RS)/SMA_slow(RS), ``rs_momentum`` =
        centre rs_ratio/SMA(rs_ratio) and ``quadrant`` ('leading', 'weakening', 'lagging',
        'improving'); NULL unless all days of their windows are known.
    """
    strength = pl.when(pl.col("benchmark_level") > 0).then(
        pl.col("index_level") / pl.col("benchmark_level")
    )
    strong, rising = pl.col("rs_ratio") >= centre, pl.col("rs_momentum") >= centre

    def ratio(value: pl.Expr, base: pl.Expr) -> pl.Expr:
        return pl.when(base > 0).then(centre * value / base)

    def compute(spine: pl.LazyFrame) -> pl.LazyFrame:
        return (
            spine.with_columns(strength.alias("_rs"))
            .with_columns(ratio(sma_expr("_rs", fast), sma_expr("_rs", slow)).alias("rs_ratio"))
            .with_columns(
                ratio(pl.col("rs_ratio"), sma_expr("rs_ratio", momentum)).alias("rs_momentum")
            )
            .with_columns(
                pl.when(strong & rising)
                .then(pl.lit("leading"))
                .when(strong & ~rising)
                .then(pl.lit("weakening"))
                .when(~strong & ~rising)
                .then(pl.lit("lagging"))
                .when(~strong & rising)
                .then(pl.lit("improving"))
                .alias("quadrant")
            )
        )

    return on_calendar(frame, compute, entity=entity)


def capped_weights(
    frame: pl.LazyFrame, *, groups: Sequence[str], size: str, cap: float, alias: str = "weight"
) -> pl.LazyFrame:
    """Shares of a total, none above a cap, the excess spread over the rest.

    Formula: narrative-basket.

    The usual iteration (cut at the cap, spread the excess in proportion, repeat) ends in
    w_i = min(cap, k size_i) with sum 1. With the members in order of size that is one pass: the
    largest member is cut if its share of what is left is above the cap, and so on down.

    Args:
        frame: one row per member with ``groups`` and ``size``.
        groups: columns that name a basket, such as narrative and rebalancing day.
        size: market cap; NULL and values not above zero get no weight.
        cap: largest share. With fewer than 1/cap members it cannot hold: they get equal shares.
        alias: name of the result.

    Returns:
        The rows given with ``alias`` (sum 1 per group; NULL without a size) and
        ``<alias>_is_capped``.
    """
    known = pl.when(pl.col(size) > 0).then(pl.col(size).cast(pl.Float64))
    held, ceiling, cut = pl.col("_size"), pl.col("_ceiling"), pl.col("_cut")
    larger = held.is_not_null().cum_sum().over(groups) - 1
    # what is left of the basket and of the sizes once all larger members are cut
    share = (1 - larger * ceiling) * held / held.cum_sum(reverse=True).over(groups)
    over_cap = pl.when(held.is_not_null()).then(share > ceiling * (1 + ROUNDING))
    spread = (1 - cut.sum().over(groups) * ceiling) / pl.when(~cut).then(held).sum().over(groups)
    return (
        frame.with_row_index("_row")
        .with_columns(known.alias("_size"))
        .sort("_size", "_row", descending=[True, False], nulls_last=True)
        .with_columns(
            pl.max_horizontal(pl.lit(cap), 1 / held.count().over(groups)).alias("_ceiling")
        )
        .with_columns(over_cap.cast(pl.Int8).cum_min().over(groups).cast(pl.Boolean).alias("_cut"))
        .with_columns(
            pl.when(cut).then(ceiling).when(held.is_not_null()).then(spread * held).alias(alias),
            cut.alias(f"{alias}_is_capped"),
        )
        .sort("_row")
        .drop("_row", "_size", "_ceiling", "_cut")
    )


def basket_weights(
    members: pl.LazyFrame, prices: pl.LazyFrame, *, cap: float, min_members: int
) -> pl.LazyFrame:
    """What each narrative basket holds, and what its members return, day by day.

    Formula: narrative-basket.

    On the first day of each month the members of that day are weighed by their market cap of the
    day before, capped; between rebalancings nothing is traded, so weights drift with prices.
    Who stops being a member leaves on that day; who joins waits for the next rebalancing. On
    ``dead_from`` the last price that was known becomes 0.

    Args:
        members: one row per (narrative_id, asset_id, day) of membership as of that day, with
            ``membership_weight`` (1 for a full member; scales the market cap).
        prices: one row per (asset_id, day) with ``close_usd`` (adjusted for token events),
            ``mcap_usd`` and ``dead_from`` (Date or NULL), on a calendar without holes.
        cap: largest weight at a rebalancing.
        min_members: members with a market cap and a price that a rebalancing needs.

    Returns:
        One row per (narrative_id, asset_id, day) of a member held on the day: ``base_weight``
        (at the rebalancing), ``is_capped``, ``start_value`` and ``end_value`` (of the holding at
        the day's two ends, in shares of the basket at the rebalancing; NULL without a return),
        ``ret_1d`` and ``weight`` (share of the members with a return at the start of the day).
    """
    month = pl.col(DAY).dt.month_start()
    quotes = _quotes(prices)
    formed = (
        members.filter(pl.col(DAY) == month)
        .join(quotes, on=[ASSET, DAY], how="inner")
        .with_columns(
            pl.when(~pl.col("_is_dead") & pl.col("_close_before").is_not_null())
            .then(pl.col("_mcap_before") * pl.col("membership_weight"))
            .alias("_size")
        )
        .filter(pl.col("_size") > 0)
        .filter(pl.len().over(NARRATIVE, DAY) >= min_members)
    )
    formed = capped_weights(
        in_order(formed, NARRATIVE, DAY, ASSET), groups=[NARRATIVE, DAY], size="_size", cap=cap
    ).select(
        NARRATIVE,
        ASSET,
        pl.col(DAY).alias("_month"),
        pl.col("weight").alias("base_weight"),
        pl.col("weight_is_capped").alias("is_capped"),
        pl.col("_close_before").alias("_base"),
    )
    start, end = pl.col("start_value"), pl.col("end_value")
    returns = pl.col("close_usd").is_not_null() & pl.col("_close_before").is_not_null()
    held = (
        members.select(NARRATIVE, ASSET, DAY, month.alias("_month"))
        .join(formed, on=[NARRATIVE, ASSET, "_month"], how="inner")
        .join(quotes, on=[ASSET, DAY], how="left")
    )
    return (
        in_order(held, NARRATIVE, ASSET, DAY)
        .with_columns(
            pl.when(returns)
            .then(pl.col("base_weight") * pl.col(price) / pl.col("_base"))
            .alias(value)
            for value, price in (("start_value", "_close_before"), ("end_value", "close_usd"))
        )
        .with_columns(
            pl.when(start > 0).then(end / start - 1).alias("ret_1d"),
            pl.when(start.sum().over(NARRATIVE, DAY) > 0)
            .then(start / start.sum().over(NARRATIVE, DAY))
            .alias("weight"),
        )
        .select(
            NARRATIVE,
            ASSET,
            DAY,
            "base_weight",
            "is_capped",
            "start_value",
            "end_value",
            "ret_1d",
            "weight",
        )
    )


def basket_index(weights: pl.LazyFrame, *, base_level: float, min_members: int) -> pl.LazyFrame:
    """Return and level of each narrative basket (formula: narrative-basket).

    Args:
        weights: result of ``basket_weights``.
        base_level: level on the day before the first return.
        min_members: members with a return that a day needs.

    Returns:
        One row per (narrative_id, day) on which a basket holds anything: ``member_count``,
        ``missing_count`` (held, but without a return), ``is_redistributed`` (their weight went
        to the others), ``basket_ret`` and ``index_level``, both NULL if too few members have a
        return; the level then goes on from where it stood.
    """
    start, end = pl.col("start_value").sum(), pl.col("end_value").sum()
    known = pl.col("start_value").count()
    total = pl.when((known >= min_members) & (start > 0)).then(end / start - 1)
    return (
        in_order(weights, NARRATIVE, DAY, ASSET)
        .group_by(NARRATIVE, DAY)
        .agg(
            pl.len().cast(pl.Int32).alias("member_count"),
            (pl.len() - known).cast(pl.Int32).alias("missing_count"),
            total.alias("basket_ret"),
        )
        .sort(NARRATIVE, DAY)
        .with_columns(
            (pl.col("missing_count") > 0).alias("is_redistributed"),
            (base_level * (1 + pl.col("basket_ret")).cum_prod().over(NARRATIVE)).alias(
                "index_level"
            ),
        )
    )


def _quotes(prices: pl.LazyFrame) -> pl.LazyFrame:
    """Today's and yesterday's close, with the fall to zero on the day of death."""
    dead = (pl.col(DAY) >= pl.col("dead_from")).fill_null(value=False)
    dies = (pl.col(DAY) == pl.col("dead_from")).fill_null(value=False)
    close = pl.col("close_usd")
    before = (
        pl.when(dies).then(close.forward_fill().shift(1).over(SERIES)).otherwise(lagged(close, 1))
    )
    return (
        dense(prices.select(ASSET, DAY, "close_usd", "mcap_usd", "dead_from"))
        .with_columns(pl.col("dead_from").forward_fill().over(SERIES))
        .with_columns(
            before.alias("_close_before"),
            lagged(pl.col("mcap_usd"), 1).alias("_mcap_before"),
            dead.alias("_is_dead"),
        )
        .with_columns(pl.when(pl.col("_is_dead")).then(0.0).otherwise(close).alias("close_usd"))
        .select(ASSET, DAY, "close_usd", "_close_before", "_mcap_before", "_is_dead")
    )
