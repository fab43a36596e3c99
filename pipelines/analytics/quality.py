"""Is it any good? Grades, factors and signals held against what came after (issue of hindsight).

The only module that looks forward. Nothing that decides may read what it returns: a test walks the
lineage of the models, and another one keeps forward shifts out of every other file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, IS_INPUT, dense

KIND: Final = "measure_kind"
MEASURE: Final = "measure"
YEAR_D: Final = 365

_MEASURED: Final = [KIND, MEASURE]
_SERIES: Final = [*_MEASURED, "horizon_d", "statistic", "quantile"]

_DAILY_SCHEMA: Final = {
    KIND: pl.String(),
    MEASURE: pl.String(),
    "horizon_d": pl.Int64(),
    "statistic": pl.String(),
    "quantile": pl.Int64(),
    DAY: pl.Date(),
    "x": pl.Float64(),
}

# what a statistic of no worth would be: the t-value is counted from there
_WORTHLESS: Final = {
    "ic": 0.0,
    "ic_positive_frac": 0.5,
    "hit_frac": 0.5,
    "decay_ic": 0.0,
    "spread_ret": 0.0,
    "strategy_ret_ann": 0.0,
    "hold_ret_ann": 0.0,
    "excess_ret_ann": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParameters:
    """How to judge; the values are a seed.

    Attributes:
        horizons_d: days ahead.
        quantile_count: parts that the assets of a day are divided into.
        min_assets: fewer assets on a day say nothing about that day.
        min_periods: fewer days say nothing at all.
    """

    horizons_d: tuple[int, ...]
    quantile_count: int
    min_assets: int
    min_periods: int


def forward_returns(closes: pl.LazyFrame, horizon_d: int) -> pl.LazyFrame:
    """Returns that begin at the close of a day: what a decision of that day can earn.

    An asset whose days have ended keeps its last close to the end of all days (0 if it is dead), so
    that what died or was delisted counts, and does not drop out of the reckoning.

    Args:
        closes: one row per (asset_id, day) with ``close_usd`` in constant units.
        horizon_d: calendar days ahead.

    Returns:
        asset_id, day, ``fwd_ret`` (close to the close ``horizon_d`` days later) and ``last_ret``
        (of the last day alone). NULL where one of the closes is missing.
    """
    rows = closes.select(ASSET, DAY, pl.col("close_usd").cast(pl.Float64))
    ends = rows.group_by(ASSET).agg(pl.col(DAY).max().alias("_end"))
    newest = rows.select(pl.col(DAY).max())
    ended = ends.join(newest, how="cross").filter(pl.col("_end") < pl.col(DAY))
    close = pl.col("_close")
    later, before_last = (close.shift(-days).over(ASSET) for days in (horizon_d, horizon_d - 1))
    return (
        dense(
            pl.concat([rows, ended.select(ASSET, DAY, pl.lit(None, pl.Float64).alias("close_usd"))])
        )
        .join(ends, on=ASSET)
        .sort(ASSET, DAY)
        .with_columns(
            pl.when(pl.col(DAY) > pl.col("_end"))
            .then(pl.col("close_usd").forward_fill().over(ASSET))
            .otherwise(pl.col("close_usd"))
            .alias("_close")
        )
        .select(
            ASSET,
            DAY,
            pl.when(close > 0).then(later / close - 1).alias("fwd_ret"),
            pl.when(before_last > 0).then(later / before_last - 1).alias("last_ret"),
            (pl.col(IS_INPUT) & (pl.col(DAY) <= pl.col("_end"))).alias("_is_row"),
        )
        .filter(pl.col("_is_row"))
        .drop("_is_row")
    )


def measure_quality(
    scores: pl.LazyFrame, closes: pl.LazyFrame, parameters: QualityParameters
) -> pl.LazyFrame:
    """What each measure said about the returns that followed.

    Every day's cross-section gives one number per statistic; the answer is their mean over the
    days. Neighbouring days share most of the days they look ahead to, so their numbers are not
    independent: standard errors are Newey-West's with ``lag_count`` lags, at least one less than
    the horizon.

    Args:
        scores: one row per (measure_kind, measure, asset_id, day) with ``value``; high is good.
        closes: one row per (asset_id, day) with ``close_usd`` in constant units, 0 once dead.
        parameters: horizons and minima.

    Returns:
        measure_kind, measure, ``horizon_d``, ``statistic``, ``quantile`` (0 where there are none),
        ``statistic_value``, ``standard_error``, ``t_stat``, ``lag_count``, ``day_count``,
        ``first_day``, ``last_day`` (of the measure). Statistics: ``ic`` (rank correlation with the
        return of the horizon), ``ic_positive_frac`` (days on which it is above 0), ``hit_frac``
        (assets on the same side of the middle by measure and by return), ``decay_ic`` (rank
        correlation with the return of the horizon's last day alone), ``autocorrelation`` (rank
        correlation with the measure ``horizon_d`` days before), ``turnover_frac`` (of the top
        quantile within ``horizon_d`` days), ``quantile_ret`` and ``spread_ret`` (top less bottom).
    """
    known = scores.filter(pl.col("value").is_not_null()).select(
        *_MEASURED, ASSET, DAY, pl.col("value").cast(pl.Float64)
    )
    daily = known.map_batches(
        lambda frame: _judge_each(frame, closes, parameters), schema=_DAILY_SCHEMA
    )
    return summarise(daily, parameters)


def strategy_quality(
    performance: pl.LazyFrame, measure: str, parameters: QualityParameters
) -> pl.LazyFrame:
    """Following the signal against buying and holding the same assets on the same days.

    Both are equal parts of all assets that have both returns on the day, rebalanced daily; the
    strategy pays its costs, holding and rebalancing pay none.

    Args:
        performance: result of ``signals.performance``: one row per (asset_id, day) with
            ``effective_signal``, ``strat_ret`` (after costs) and ``hold_ret``.
        measure: name of the signal.
        parameters: minima.

    Returns:
        The columns of ``measure_quality``, of kind ``signal`` and horizon 1. Statistics:
        ``strategy_ret_ann``, ``hold_ret_ann``, ``excess_ret_ann`` (arithmetic, 365 days),
        ``strategy_sharpe``, ``hold_sharpe``, ``strategy_max_drawdown``, ``hold_max_drawdown``,
        ``exposure_frac`` and ``traded_frac`` (of the assets, per day).
    """
    both = (
        performance.filter(pl.col("strat_ret").is_not_null() & pl.col("hold_ret").is_not_null())
        .sort(ASSET, DAY)
        .with_columns(
            (pl.col("effective_signal") - pl.col("effective_signal").shift(1).over(ASSET))
            .abs()
            .alias("_traded")
        )
    )
    portfolio = (
        both.group_by(DAY)
        .agg(
            pl.col("strat_ret").mean().alias("strategy"),
            pl.col("hold_ret").mean().alias("hold"),
            pl.col("effective_signal").abs().mean().alias("exposure_frac"),
            pl.col("_traded").mean().alias("traded_frac"),
            pl.len().alias("_assets"),
        )
        .filter(pl.col("_assets") >= parameters.min_assets)
        .sort(DAY)
    )
    series = {
        "strategy_ret_ann": pl.col("strategy") * YEAR_D,
        "hold_ret_ann": pl.col("hold") * YEAR_D,
        "excess_ret_ann": (pl.col("strategy") - pl.col("hold")) * YEAR_D,
        "exposure_frac": pl.col("exposure_frac"),
        "traded_frac": pl.col("traded_frac"),
    }
    daily = pl.concat(
        portfolio.select(DAY, value.cast(pl.Float64).alias("x"), pl.lit(name).alias("statistic"))
        for name, value in series.items()
    )
    labels = (
        pl.lit("signal").alias(KIND),
        pl.lit(measure).alias(MEASURE),
        pl.lit(1, pl.Int64).alias("horizon_d"),
        pl.lit(0, pl.Int64).alias("quantile"),
    )
    means = summarise(daily.with_columns(*labels), parameters)
    paths = {
        "strategy_sharpe": _sharpe("strategy"),
        "hold_sharpe": _sharpe("hold"),
        "strategy_max_drawdown": _max_drawdown("strategy"),
        "hold_max_drawdown": _max_drawdown("hold"),
    }
    columns = means.collect_schema()
    whole = pl.concat(
        portfolio.select(
            pl.lit(name).alias("statistic"),
            pl.when(pl.len() >= parameters.min_periods).then(value).alias("statistic_value"),
            pl.len().cast(pl.Int64).alias("day_count"),
            pl.col(DAY).min().alias("first_day"),
            pl.col(DAY).max().alias("last_day"),
        )
        for name, value in paths.items()
    ).filter(pl.col("day_count") > 0)
    empty = [
        pl.lit(None, columns[name]).alias(name)
        for name in ("standard_error", "t_stat", "lag_count")
    ]
    return pl.concat([means, whole.with_columns(*labels, *empty).select(list(columns))])


def summarise(daily: pl.LazyFrame, parameters: QualityParameters) -> pl.LazyFrame:
    """Means of daily numbers with Newey-West standard errors.

    Args:
        daily: measure_kind, measure, horizon_d, statistic, quantile, day and ``x``.
        parameters: ``min_periods``.

    Returns:
        See ``measure_quality``. With T days the lags are the larger of ``horizon_d`` - 1 and
        floor(4 (T/100)^(2/9)), with Bartlett's weights; a day without a number has no place in
        the series.
    """
    given = (
        daily.filter(pl.col("x").is_not_null() & pl.col("x").is_finite())
        .sort(*_SERIES, DAY)
        .with_columns(
            (pl.col("x") - pl.col("x").mean().over(_SERIES)).alias("_off"),
            pl.len().over(_SERIES).cast(pl.Int64).alias("_days"),
            pl.struct(_SERIES).rle_id().alias("_line"),
        )
        .with_columns(
            pl.max_horizontal(
                pl.col("horizon_d") - 1,
                (4 * (pl.col("_days") / 100).pow(2 / 9)).floor().cast(pl.Int64),
            )
            .clip(0, pl.col("_days") - 1)
            .alias("lag_count")
        )
    )

    def reckon(frame: pl.DataFrame) -> pl.DataFrame:
        longest = frame["lag_count"].max()
        lags = range(1, (longest if isinstance(longest, int) else 0) + 1)
        # Bartlett: a covariance counts the less the further apart the days are
        weighted = [
            pl.when(pl.col("_line") == pl.col("_line").shift(lag))
            .then(
                (1 - lag / (pl.col("lag_count") + 1)).clip(0)
                * pl.col("_off")
                * pl.col("_off").shift(lag)
            )
            .fill_null(0.0)
            for lag in lags
        ]
        square = pl.col("_off").pow(2) + 2 * pl.sum_horizontal(pl.lit(0.0), *weighted)
        variance = pl.col("_square").sum() / pl.len().cast(pl.Float64).pow(2)
        enough = pl.len() >= parameters.min_periods
        return (
            frame.with_columns(square.alias("_square"))
            .group_by(_SERIES, maintain_order=True)
            .agg(
                pl.when(enough).then(pl.col("x").mean()).alias("statistic_value"),
                # below rounding there is no spread to speak of
                pl.when(enough & (variance > 1e-24)).then(variance.sqrt()).alias("standard_error"),
                pl.col("lag_count").first(),
                pl.len().cast(pl.Int64).alias("day_count"),
                pl.col(DAY).min().alias("first_day"),
                pl.col(DAY).max().alias("last_day"),
            )
        )

    worthless = pl.col("statistic").replace_strict(
        _WORTHLESS, default=None, return_dtype=pl.Float64
    )
    schema = {
        KIND: pl.String(),
        MEASURE: pl.String(),
        "horizon_d": pl.Int64(),
        "statistic": pl.String(),
        "quantile": pl.Int64(),
        "statistic_value": pl.Float64(),
        "standard_error": pl.Float64(),
        "lag_count": pl.Int64(),
        "day_count": pl.Int64(),
        "first_day": pl.Date(),
        "last_day": pl.Date(),
    }
    return (
        given.map_batches(reckon, schema=schema)
        .with_columns(
            ((pl.col("statistic_value") - worthless) / pl.col("standard_error")).alias("t_stat")
        )
        .select(
            *_SERIES,
            "statistic_value",
            "standard_error",
            "t_stat",
            "lag_count",
            "day_count",
            "first_day",
            "last_day",
        )
    )


def _judge_each(
    known: pl.DataFrame, closes: pl.LazyFrame, parameters: QualityParameters
) -> pl.DataFrame:
    """The numbers of each day, measure by measure: all at once would take the memory of all."""
    outcomes = {
        horizon: forward_returns(closes, horizon).collect() for horizon in parameters.horizons_d
    }
    found = [pl.DataFrame(schema=_DAILY_SCHEMA)]
    for (kind, measure), rows in sorted(known.partition_by(_MEASURED, as_dict=True).items()):
        # sums of floats are the same to the last digit only in the same order
        ordered = rows.select(ASSET, DAY, "value").sort(DAY, ASSET)
        for horizon, returns in outcomes.items():
            frame = ordered.join(returns, on=[ASSET, DAY], how="left", maintain_order="left")
            found.append(
                _judge(frame, horizon, parameters).select(
                    pl.lit(kind).alias(KIND),
                    pl.lit(measure).alias(MEASURE),
                    pl.lit(horizon, pl.Int64).alias("horizon_d"),
                    "statistic",
                    "quantile",
                    DAY,
                    "x",
                )
            )
    return pl.concat(found)


def _judge(frame: pl.DataFrame, horizon_d: int, parameters: QualityParameters) -> pl.DataFrame:
    """One measure's numbers of each day, against one horizon: day, statistic, quantile, x."""
    parts = parameters.quantile_count
    ranked = (
        frame.with_columns(
            pl.col("value").rank("average").over(DAY).alias("_place"),
            pl.len().over(DAY).alias("_n"),
        )
        .filter(pl.col("_n") >= parameters.min_assets)
        # equals stand together: none of them is better than the other
        .with_columns(
            (((pl.col("_place") - 0.5) * parts / pl.col("_n")).floor().cast(pl.Int64) + 1)
            .clip(1, parts)
            .alias("_part")
        )
    )
    is_top = pl.col("_part") == parts
    before = ranked.select(
        ASSET,
        pl.col(DAY).dt.offset_by(f"{horizon_d}d"),
        pl.col("_place").alias("_before"),
        is_top.alias("_was_top"),
    )
    moved = (
        ranked.join(before, on=[ASSET, DAY], how="inner", maintain_order="left")
        .group_by(DAY)
        .agg(
            pl.corr("_place", "_before").alias("autocorrelation"),
            (1 - pl.col("_was_top").filter(is_top).cast(pl.Float64).mean()).alias("turnover_frac"),
            pl.len().alias("_n"),
        )
        .filter(pl.col("_n") >= parameters.min_assets)
    )
    # who has no return takes no part: the others are ranked among themselves
    followed = (
        ranked.filter(pl.col("fwd_ret").is_not_null())
        .with_columns(
            pl.len().over(DAY).alias("_n"),
            pl.col("_place").rank("average").over(DAY),
            pl.col("fwd_ret").rank("average").over(DAY).alias("_outcome"),
        )
        .filter(pl.col("_n") >= parameters.min_assets)
    )
    last_outcome = (
        pl.col("_outcome") if horizon_d == 1 else pl.col("last_ret").rank("average").over(DAY)
    )
    followed = followed.with_columns(last_outcome.alias("_last_outcome"))
    middle = (pl.col("_n") + 1) / 2
    side = (pl.col("_place") - middle) * (pl.col("_outcome") - middle)
    is_bottom = pl.col("_part") == 1
    told = (
        followed.group_by(DAY)
        .agg(
            pl.corr("_place", "_outcome").alias("ic"),
            pl.corr("_place", "_last_outcome").alias("decay_ic"),
            (side.filter(side != 0) > 0).cast(pl.Float64).mean().alias("hit_frac"),
            (
                pl.col("fwd_ret").filter(is_top).mean() - pl.col("fwd_ret").filter(is_bottom).mean()
            ).alias("spread_ret"),
        )
        .with_columns(
            pl.when(pl.col("ic").is_finite() & (pl.col("ic") != 0))
            .then((pl.col("ic") > 0).cast(pl.Float64))
            .alias("ic_positive_frac")
        )
    )
    parted = (
        followed.group_by(DAY, "_part")
        .agg(pl.col("fwd_ret").mean().alias("x"))
        .select(
            DAY,
            pl.lit("quantile_ret").alias("statistic"),
            pl.col("_part").alias("quantile"),
            "x",
        )
    )
    return pl.concat([_long(told), _long(moved.drop("_n")), parted])


def _long(wide: pl.DataFrame) -> pl.DataFrame:
    return wide.unpivot(index=DAY, variable_name="statistic", value_name="x").select(
        DAY, "statistic", pl.lit(0, pl.Int64).alias("quantile"), "x"
    )


def _sharpe(returns: str) -> pl.Expr:
    spread = pl.col(returns).std()
    return pl.when(spread > 1e-9).then(pl.col(returns).mean() / spread * math.sqrt(YEAR_D))


def _max_drawdown(returns: str) -> pl.Expr:
    path = (1 + pl.col(returns)).cum_prod()
    # what was put in at the start is a peak, too
    return (path / pl.max_horizontal(path.cum_max(), pl.lit(1.0)) - 1).min().clip(upper_bound=0)
