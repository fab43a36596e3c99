"""Is it any good? Grades, factors and signals held against what came after.

The only module that looks forward. Nothing that decides may read what it returns: a test walks the
lineage of the models, and another one keeps forward shifts out of every other file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.analytics.calendar import ASSET, DAY, BoolArray, FloatArray, IntArray
from pipelines.analytics.cross_section import (
    Grid,
    Ordered,
    PartArray,
    Universe,
    bounds_of,
    flat,
    left_shares,
    part_medians,
    part_sums,
    parts_of,
    rank_correlation,
    ranks_in_order,
    taken_along,
)
from pipelines.analytics.inference import lag_count, newey_west

KIND: Final = "measure_kind"
MEASURE: Final = "measure"
UNIVERSE: Final = "universe"
PERIOD: Final = "period"
ALL: Final = "all"
"""Name of the universe of all members, and of the period of all days."""

YEAR_D: Final = 365

BLOCK_CELLS: Final = 1 << 16
"""Cells that are worked on at once: what is made on the way stays in the processor's cache."""

MIN_FUNDED_SHARE: Final = 0.5
"""Part of each side's assets whose funding must be known: a median of fewer is nobody's."""

BY_YEAR: Final = ("ic", "spread_ret", "spread_median_ret", "spread_net_ret", "spread_funded_ret")
"""Statistics that are reported for each calendar year as well."""

_SERIES: Final = [KIND, MEASURE, UNIVERSE, PERIOD, "horizon_d", "statistic", "quantile"]

_SCHEMA: Final = {
    KIND: pl.String(),
    MEASURE: pl.String(),
    UNIVERSE: pl.String(),
    PERIOD: pl.String(),
    "horizon_d": pl.Int64(),
    "statistic": pl.String(),
    "quantile": pl.Int64(),
    "statistic_value": pl.Float64(),
    "standard_error": pl.Float64(),
    "t_stat": pl.Float64(),
    "lag_count": pl.Int64(),
    "day_count": pl.Int64(),
    "first_day": pl.Date(),
    "last_day": pl.Date(),
}

# what a statistic of no worth would be: the t-value is counted from there
_WORTHLESS: Final = {
    "ic": 0.0,
    "ic_positive_frac": 0.5,
    "hit_frac": 0.5,
    "decay_ic": 0.0,
    "spread_ret": 0.0,
    "spread_median_ret": 0.0,
    "spread_net_ret": 0.0,
    "spread_funded_ret": 0.0,
    "strategy_ret_ann": 0.0,
    "hold_ret_ann": 0.0,
    "excess_ret_ann": 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParameters:
    """How to judge; the values are a seed.

    Attributes:
        horizons_d: days ahead.
        skip_d: days between the close that a measure rests on and the close at which the return
            begins: 1 says that a measure of a day is acted on at the close of the next one.
        quantile_count: parts that the assets of a day are divided into.
        top_counts: how many of the most traded members make a universe of their own.
        cost_bps: cost of each side of a trade.
        min_assets: fewer assets on a day say nothing about that day.
        min_periods: fewer days say nothing at all.
    """

    horizons_d: tuple[int, ...]
    skip_d: int
    quantile_count: int
    top_counts: tuple[int, ...]
    cost_bps: float
    min_assets: int
    min_periods: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Returns that followed each day, over one horizon.

    Attributes:
        horizon_d: days ahead.
        returns: days by assets, from the close ``skip_d`` days after to ``horizon_d`` days later.
        last_returns: of the horizon's last day alone.
        funding: what longs paid over the days that the returns are of, NaN where a day's is
            unknown; None: nobody's is known.
    """

    horizon_d: int
    returns: FloatArray
    last_returns: FloatArray
    funding: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """An outcome among the members of a universe, with what every measure asks of it.

    Attributes:
        horizon_d: days ahead.
        returns: days by places of the universe, 0 where there is none.
        ordered: the same, ordered.
        last_ordered: the returns of the horizon's last day alone, ordered.
        funding: what longs paid, ordered; None: nobody's is known.
    """

    horizon_d: int
    returns: FloatArray
    ordered: Ordered
    last_ordered: Ordered
    funding: Ordered | None

    @classmethod
    def of(cls, outcome: Outcome, universe: Universe) -> Followed:
        """Order the members' returns; once for all measures."""
        returns, last = (universe.narrow(x) for x in (outcome.returns, outcome.last_returns))
        paid = outcome.funding
        funding = None if paid is None else Ordered.of(universe.narrow(paid))
        ordered, last_ordered = Ordered.of(returns), Ordered.of(last)
        return cls(outcome.horizon_d, np.nan_to_num(returns), ordered, last_ordered, funding)


def blocks(shape: tuple[int, int]) -> Iterator[slice]:
    """Rows of a matrix, so many at a time that they have ``BLOCK_CELLS`` or fewer."""
    count, width = shape
    step = max(BLOCK_CELLS // max(width, 1), 1)
    for start in range(0, max(count, 1), step):
        yield slice(start, min(start + step, count))


def held_closes(closes: FloatArray) -> FloatArray:
    """Closes in which an asset whose days have ended keeps its last one (0 if it is dead).

    So what died or was delisted counts, and does not drop out of the reckoning. A close that is
    missing in between stays missing.
    """
    places = np.where(~np.isnan(closes), np.arange(len(closes))[:, None], -1)
    end = places.max(axis=0, initial=-1)
    last = closes[np.maximum(end, 0), np.arange(closes.shape[1])]
    after = np.arange(len(closes))[:, None] > end[None, :]
    return np.where(after, last[None, :], closes)


def outcome(
    closes: FloatArray, horizon_d: int, *, skip_d: int, funding: FloatArray | None = None
) -> Outcome:
    """Returns that begin ``skip_d`` days after a day's close: what its measure can earn.

    Args:
        closes: days by assets, in constant units, 0 once dead.
        horizon_d: calendar days ahead.
        skip_d: days before the return begins.
        funding: days by assets: what longs paid over the day, NaN where it is unknown.
    """
    held = held_closes(closes)
    start = _ahead(held, skip_d)
    end, before = _ahead(held, skip_d + horizon_d), _ahead(held, skip_d + horizon_d - 1)
    # after its last close an asset can be held, but neither bought nor judged
    known = ~np.isnan(closes)
    return Outcome(
        horizon_d,
        _ratio(end, start, known),
        _ratio(end, before, known),
        None
        if funding is None or np.isnan(funding).all()
        else _ahead(_sum_of_days(funding, horizon_d), skip_d + horizon_d),
    )


def forward_returns(closes: pl.LazyFrame, horizon_d: int, *, skip_d: int = 0) -> pl.LazyFrame:
    """``outcome`` of a frame.

    Args:
        closes: one row per (asset_id, day) with ``close_usd`` in constant units.
        horizon_d: calendar days ahead.
        skip_d: days before the return begins.

    Returns:
        The rows given: asset_id, day, ``fwd_ret`` and ``last_ret`` (of the horizon's last day
        alone). NULL where one of the closes is missing.
    """

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        grid = Grid.around(frame)
        (matrix,) = grid.matrices(frame, ["close_usd"])
        found = outcome(matrix, horizon_d, skip_d=skip_d)
        places = grid.locate(frame)
        return frame.select(
            ASSET,
            DAY,
            pl.Series("fwd_ret", found.returns[places], nan_to_null=True),
            pl.Series("last_ret", found.last_returns[places], nan_to_null=True),
        )

    wanted = closes.select(ASSET, DAY, pl.col("close_usd").cast(pl.Float64))
    schema = wanted.select(ASSET, DAY).collect_schema()
    return wanted.map_batches(
        run, schema=pl.Schema({**schema, "fwd_ret": pl.Float64(), "last_ret": pl.Float64()})
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """How one measure orders the members of each day; days by places, the lowest value first.

    Attributes:
        order: which place of the universe it is, in a matrix laid out in one line.
        asset: which asset, in a matrix of days by assets laid out in one line.
        values: the values, NaN at the end and on days with too few.
        ranks: theirs, 0 for NaN.
        parts: part of the day, 1 the lowest; 0 for NaN.
        bounds: where each part begins, and where the last one ends.
        rank_of_asset: days by assets.
        part_of_asset: days by assets.
    """

    order: IntArray
    asset: IntArray
    values: FloatArray
    ranks: FloatArray
    parts: PartArray
    bounds: IntArray
    rank_of_asset: FloatArray
    part_of_asset: PartArray

    @classmethod
    def of(cls, values: FloatArray, universe: Universe, parameters: QualityParameters) -> Standing:
        """Order the members; once for all horizons.

        Args:
            values: days by assets, high is good.
            universe: who is compared.
            parameters: parts and minima.
        """
        of_asset = np.zeros_like(values), np.zeros(values.shape, np.int16)
        found = [
            cls._of_rows(values, universe, rows, parameters, *of_asset)
            for rows in blocks(universe.assets.shape)
        ]
        order, asset, ascending, ranks, parts, bounds = (
            np.concatenate(column) for column in zip(*found, strict=True)
        )
        return cls(order, asset, ascending, ranks, parts, bounds, *of_asset)

    @staticmethod
    def _of_rows(
        values: FloatArray,
        universe: Universe,
        rows: slice,
        parameters: QualityParameters,
        rank_of_asset: FloatArray,
        part_of_asset: PartArray,
    ) -> tuple[npt.NDArray[Any], ...]:
        assets = universe.assets[rows]
        among = np.where(universe.is_taken[rows], taken_along(values[rows], assets), np.nan)
        few = (~np.isnan(among)).sum(axis=1) < parameters.min_assets
        among[few] = np.nan
        order = flat(among.argsort(axis=1), among.shape[1])
        asset = flat(assets.take(order), values.shape[1])
        ascending = among.take(order)
        ranks = ranks_in_order(ascending)
        parts = parts_of(ranks, parameters.quantile_count)
        rank_of_asset[rows].put(asset, ranks)
        part_of_asset[rows].put(asset, parts)
        bounds = bounds_of(parts, parameters.quantile_count)
        first = rows.start
        return (
            order + first * among.shape[1],
            asset + first * values.shape[1],
            ascending,
            ranks,
            parts,
            bounds,
        )

    def before(self, days: int, rows: slice) -> tuple[FloatArray, PartArray]:
        """Rank and part that each asset had so many days before; 0 where it had none."""
        ranks, parts = np.zeros_like(self.ranks[rows]), np.zeros_like(self.parts[rows])
        early = max(days - rows.start, 0)
        then = self.asset[rows][early:] - days * self.rank_of_asset.shape[1]
        ranks[early:] = self.rank_of_asset.take(then)
        parts[early:] = self.part_of_asset.take(then)
        return ranks, parts

    def among(self, known: BoolArray, count: IntArray, rows: slice) -> FloatArray:
        """Ranks of some of the members; days that lack none keep theirs.

        Args:
            known: those who take part.
            count: how many each day has.
            rows: the days that are asked about.
        """
        ranks = self.ranks[rows].copy()
        fewer = np.flatnonzero(count != self.bounds[rows, -1])
        ranks[fewer] = ranks_in_order(self.values[rows][fewer], known[fewer])
        return ranks

    def ranked(self, known: BoolArray, followed: Ordered, rows: slice) -> FloatArray:
        """Ranks of what followed some of the members, in this measure's order.

        Args:
            known: those who take part, if something did follow.
            followed: what followed, by places of the universe.
            rows: the days that are asked about.
        """
        order = self.order[rows]
        ranks = followed.ranks.take(order) * known
        fewer = np.flatnonzero(np.count_nonzero(ranks, axis=1) != followed.count[rows])
        width = known.shape[1]
        place = flat(followed.place.take(order[fewer]).astype(np.int64), width)
        counted = np.zeros(place.shape, dtype=np.bool_)
        counted.put(place, ranks[fewer] > 0)
        ranks[fewer] = ranks_in_order(followed.ascending[rows][fewer], counted).take(place)
        return ranks


def judge(
    standing: Standing, followed: Followed, parameters: QualityParameters
) -> list[tuple[str, int, FloatArray]]:
    """What one measure said on each day about the returns that followed.

    Args:
        standing: the measure in a universe.
        followed: the returns in the same universe.
        parameters: minima, parts and costs.

    Returns:
        Statistic, quantile (0: none) and one number per day (NaN: nothing to say).
    """
    parts = [
        list(_judge_rows(standing, followed, rows, parameters))
        for rows in blocks(standing.ranks.shape)
    ]
    return [
        (*lines[0][:2], np.concatenate([numbers for _, _, numbers in lines]))
        for lines in zip(*parts, strict=True)
    ]


def _judge_rows(
    standing: Standing, followed: Followed, rows: slice, parameters: QualityParameters
) -> Iterator[tuple[str, int, FloatArray]]:
    part_count, least = parameters.quantile_count, parameters.min_assets
    horizon, parts = followed.horizon_d, standing.parts[rows]

    ranks_now, (ranks_before, parts_before) = standing.ranks[rows], standing.before(horizon, rows)
    yield "autocorrelation", 0, _shared_correlation(ranks_now, ranks_before, least)
    bounds = standing.bounds[rows]
    turnover = left_shares(parts, parts_before, bounds, min_count=least)
    yield "turnover_frac", 0, turnover[:, -1]

    # who has no return takes no part: the others are ranked among themselves
    order = standing.order[rows]
    known = (ranks_now > 0) & (followed.ordered.ranks.take(order) > 0)
    count = np.count_nonzero(known, axis=1)
    enough = count >= least
    places = standing.among(known, count, rows)
    ranks = standing.ranked(known, followed.ordered, rows)
    ic = rank_correlation(places, ranks, count, min_count=least)
    yield "ic", 0, ic
    yield "ic_positive_frac", 0, np.where(np.isnan(ic) | (ic == 0), np.nan, ic > 0)
    if horizon == 1:
        yield "decay_ic", 0, ic
    else:
        last = standing.ranked(known, followed.last_ordered, rows)
        yield "decay_ic", 0, _shared_correlation(places, last, least)
    yield "hit_frac", 0, np.where(enough, _hits(places, ranks, count), np.nan)

    counts = part_sums(known.astype(np.float64), bounds).astype(np.int64)
    counts[~enough] = 0
    sums = part_sums(followed.returns.take(order), bounds)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    medians = part_medians(
        followed.ordered.place.take(order),
        followed.ordered.ascending[rows],
        np.where(known, parts, 0),
        counts,
    )
    spread = means[:, -1] - means[:, 0]
    yield "spread_ret", 0, spread
    yield "spread_median_ret", 0, medians[:, -1] - medians[:, 0]
    # what leaves a part is sold and what takes its place is bought
    costs = 2 * parameters.cost_bps / 1e4 * turnover
    cost = costs[:, -1] + costs[:, 0]
    yield "spread_net_ret", 0, spread - cost
    if followed.funding is not None:
        paid = _funding_of_parts(standing, followed.funding, rows)
        yield "spread_funded_ret", 0, spread - cost - (paid[:, -1] - paid[:, 0])
    for quantile in range(1, part_count + 1):
        yield "quantile_ret", quantile, means[:, quantile - 1]
        yield "quantile_net_ret", quantile, means[:, quantile - 1] - costs[:, quantile - 1]
        yield "quantile_median_ret", quantile, medians[:, quantile - 1]


def _funding_of_parts(standing: Standing, funding: Ordered, rows: slice) -> FloatArray:
    """Median of what the longs of each part paid; NaN where that of too few is known."""
    order, parts = standing.order[rows], standing.parts[rows]
    known = (parts > 0) & (funding.ranks.take(order) > 0)
    bounds = standing.bounds[rows]
    counts = part_sums(known.astype(np.float64), bounds).astype(np.int64)
    counts[counts < MIN_FUNDED_SHARE * np.diff(bounds, axis=1)] = 0
    where = np.where(known, parts, 0)
    # the cells of a part that does not count must not stand in the way of the others
    where[np.take_along_axis(counts, np.maximum(where - 1, 0).astype(np.int64), axis=1) == 0] = 0
    places = funding.place.take(order)
    return part_medians(places, funding.ascending[rows], where, counts)


def measure_quality(
    scores: pl.LazyFrame,
    closes: pl.LazyFrame,
    parameters: QualityParameters,
    members: pl.LazyFrame | None = None,
    funding: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """What each measure said about the returns that followed.

    Every day's cross-section gives one number per statistic; the answer is their mean over the
    days of a period. Neighbouring days share most of the days they look ahead to, so their numbers
    are not independent: standard errors are Newey-West's with ``lag_count`` lags, at least one less
    than the horizon.

    Args:
        scores: one row per (measure_kind, measure, asset_id, day) with ``value``; high is good.
        closes: one row per (asset_id, day) with ``close_usd`` in constant units, 0 once dead.
        parameters: horizons, universes and minima.
        members: one row per (asset_id, day) with ``universe_rank`` (1 = most traded), for the
            universes of ``top_counts``; None: there are none.
        funding: one row per (asset_id, day) with ``funding_day`` (what longs paid over the day);
            None: nobody's is known.

    Returns:
        measure_kind, measure, ``universe`` ('all' or 'top_<n>'), ``period`` ('all' or a calendar
        year), ``horizon_d``, ``statistic``, ``quantile`` (0 where there are none),
        ``statistic_value``, ``standard_error``, ``t_stat``, ``lag_count``, ``day_count``,
        ``first_day``, ``last_day`` (of the measure). Statistics: ``ic`` (rank correlation with the
        return of the horizon), ``ic_positive_frac`` (days on which it is above 0), ``hit_frac``
        (assets on the same side of the middle by measure and by return), ``decay_ic`` (rank
        correlation with the return of the horizon's last day alone), ``autocorrelation`` (rank
        correlation with the measure ``horizon_d`` days before), ``turnover_frac`` (of the top
        quantile within ``horizon_d`` days), ``quantile_ret``, ``quantile_net_ret`` (less what
        replacing the quantile costs), ``quantile_median_ret``,
        ``spread_ret`` (top less bottom), ``spread_median_ret`` (of their medians),
        ``spread_net_ret`` (the mean's, less what replacing both sides costs) and, where funding
        is given, ``spread_funded_ret`` (less the median funding that the top paid more).
    """
    known = scores.filter(pl.col("value").is_not_null()).select(
        KIND, MEASURE, ASSET, DAY, pl.col("value").cast(pl.Float64)
    )
    return known.map_batches(
        lambda frame: _judge_each(frame, closes, parameters, members, funding), schema=_SCHEMA
    )


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
        pl.lit(ALL).alias(UNIVERSE),
        pl.lit(ALL).alias(PERIOD),
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
        daily: the key columns of ``measure_quality``, day and ``x``.
        parameters: ``min_periods``.

    Returns:
        See ``measure_quality``. With T days the lags are the larger of ``horizon_d`` - 1 and
        floor(4 (T/100)^(2/9)), with Bartlett's weights; a day without a number has no place in
        the series.
    """

    def run(frame: pl.DataFrame) -> pl.DataFrame:
        rows = []
        series = frame.sort(*_SERIES, DAY).partition_by(_SERIES, as_dict=True, maintain_order=True)
        for key, days in series.items():
            reported = dict(zip(_SERIES, key, strict=True))
            x = days["x"].cast(pl.Float64).fill_null(math.nan).to_numpy()[:, None]
            horizon, statistic = reported["horizon_d"], reported["statistic"]
            (row,) = summaries(x, days[DAY], horizon, [statistic], parameters)
            if row:
                rows.append({**reported, **row})
        return pl.DataFrame(rows, schema=_SCHEMA)

    return daily.map_batches(run, schema=_SCHEMA)


def summaries(
    values: FloatArray,
    days: pl.Series,
    horizon_d: int,
    statistics: Sequence[str],
    parameters: QualityParameters,
) -> list[dict[str, object]]:
    """The means of series of daily numbers and their errors; empty for one without a number.

    Args:
        values: days by series, NaN where there is none.
        days: the days, ascending.
        horizon_d: days that each number looks ahead.
        statistics: name of each series, which says what no worth would be.
        parameters: ``min_periods``.
    """
    known = np.isfinite(values)
    alike: dict[bytes, list[int]] = {}
    for column in range(values.shape[1]):
        alike.setdefault(known[:, column].tobytes(), []).append(column)
    found: list[dict[str, object]] = [{} for _ in statistics]
    for columns in alike.values():
        places = np.flatnonzero(known[:, columns[0]])
        count = len(places)
        if not count:
            continue
        lags = lag_count(count, horizon_d)
        series = values[places][:, columns]
        enough = count >= parameters.min_periods
        means, errors = series.mean(axis=0), newey_west(series, lags)
        for column, mean, error in zip(columns, means.tolist(), errors.tolist(), strict=True):
            worthless = _WORTHLESS.get(statistics[column])
            sure = enough and not math.isnan(error)
            found[column] = {
                "statistic_value": mean if enough else None,
                "standard_error": error if sure else None,
                "t_stat": (mean - worthless) / error if sure and worthless is not None else None,
                "lag_count": lags,
                "day_count": count,
                "first_day": days[int(places[0])],
                "last_day": days[int(places[-1])],
            }
    return found


def periods(days: pl.Series) -> dict[str, BoolArray]:
    """Which days belong to each period: all of them, and each calendar year."""
    years = days.dt.year().to_numpy()
    found = {ALL: np.ones(len(years), dtype=np.bool_)}
    return found | {str(year): years == year for year in np.unique(years)}


def top_universes(
    ranks: FloatArray, member: BoolArray, top_counts: tuple[int, ...]
) -> Mapping[str, BoolArray]:
    """All members, and the most traded ones.

    Args:
        ranks: days by assets, 1 = most traded; NaN for who is no member.
        member: who belongs to the universe.
        top_counts: sizes.
    """
    tops = {
        f"top_{count}": member & (np.nan_to_num(ranks, nan=np.inf) <= count) for count in top_counts
    }
    return {ALL: member, **tops}


def _judge_each(
    known: pl.DataFrame,
    closes: pl.LazyFrame,
    parameters: QualityParameters,
    members: pl.LazyFrame | None,
    funding: pl.LazyFrame | None,
) -> pl.DataFrame:
    """The rows of each measure, one after the other: all at once would take the memory of all."""
    prices = closes.select(ASSET, DAY, pl.col("close_usd").cast(pl.Float64)).collect()
    grid = Grid.around(known, prices)
    rows: list[dict[str, object]] = []
    if known.is_empty() or prices.is_empty():
        return pl.DataFrame(rows, schema=_SCHEMA)
    (matrix,) = grid.matrices(prices, ["close_usd"])
    paid = None if funding is None else _within(grid, funding, "funding_day")
    outcomes = [
        outcome(matrix, days, skip_d=parameters.skip_d, funding=paid)
        for days in parameters.horizons_d
    ]
    everyone = np.ones(matrix.shape, dtype=np.bool_)
    universes: Mapping[str, BoolArray] = {ALL: everyone}
    if members is not None:
        ranks = _within(grid, members, "universe_rank")
        universes = top_universes(ranks, everyone, parameters.top_counts)
    measures = (
        (kind, measure, grid.matrices(frame, ["value"])[0])
        for (kind, measure), frame in sorted(
            known.partition_by(KIND, MEASURE, as_dict=True).items()
        )
    )
    return judge_all(grid, measures, outcomes, universes, parameters)


def _within(grid: Grid, frame: pl.LazyFrame, column: str) -> FloatArray:
    """A column of a frame that may know more assets and days than the grid."""
    known = pl.DataFrame({ASSET: grid.assets}).join(
        frame.select(ASSET, DAY, column).collect(), on=ASSET
    )
    (matrix,) = grid.matrices(
        known.filter(pl.col(DAY).is_between(grid.days[0], grid.days[-1])), [column]
    )
    return matrix


@dataclass(frozen=True, slots=True)
class Judged:
    """What one measure said in one universe about the returns of one horizon.

    Attributes:
        kind: of the measure.
        measure: its name.
        universe: who was compared.
        horizon_d: days ahead.
        daily: result of ``judge``.
    """

    kind: str
    measure: str
    universe: str
    horizon_d: int
    daily: list[tuple[str, int, FloatArray]]


Contests = Mapping[str, tuple[Universe, Sequence[Followed]]]
"""Each universe, and what followed in it over each horizon."""


def contests(outcomes: Sequence[Outcome], universes: Mapping[str, BoolArray]) -> Contests:
    """What every measure is held against; once for all of them.

    Args:
        outcomes: the returns that followed, one for each horizon.
        universes: who belongs to each.
    """
    among = {name: Universe.of(member) for name, member in universes.items()}
    return {
        name: (universe, [Followed.of(after, universe) for after in outcomes])
        for name, universe in among.items()
    }


def judge_each(
    measures: Iterable[tuple[str, str, FloatArray]],
    against: Contests,
    parameters: QualityParameters,
) -> Iterator[Judged]:
    """The daily numbers of measures that are matrices already, one after the other.

    Args:
        measures: kind, name and values (high is good) of each.
        against: result of ``contests``.
        parameters: minima, parts and costs.
    """
    for kind, measure, values in measures:
        for name, (universe, followed) in against.items():
            standing = Standing.of(values, universe, parameters)
            for after in followed:
                daily = judge(standing, after, parameters)
                yield Judged(kind, measure, name, after.horizon_d, daily)


def quality_rows(
    grid: Grid, judged: Iterable[Judged], parameters: QualityParameters
) -> pl.DataFrame:
    """The rows of ``measure_quality``: means over all days and over each calendar year.

    Args:
        grid: the days.
        judged: result of ``judge_each``.
        parameters: minima.
    """
    days = pl.Series(DAY, list(grid.days), dtype=pl.Date)
    spans = periods(days)
    rows: list[dict[str, object]] = []
    for one in judged:
        key: dict[str, object] = {KIND: one.kind, MEASURE: one.measure, UNIVERSE: one.universe}
        for period, inside in spans.items():
            chosen = [line for line in one.daily if period == ALL or line[0] in BY_YEAR]
            means = summaries(
                np.column_stack([x[inside] for _, _, x in chosen]),
                days.filter(pl.Series(inside)),
                one.horizon_d,
                [statistic for statistic, _, _ in chosen],
                parameters,
            )
            key |= {"horizon_d": one.horizon_d, PERIOD: period}
            rows.extend(
                {**key, "statistic": statistic, "quantile": part, **mean}
                for (statistic, part, _), mean in zip(chosen, means, strict=True)
                if mean
            )
    return pl.DataFrame(rows, schema=_SCHEMA)


def judge_all(
    grid: Grid,
    measures: Iterable[tuple[str, str, FloatArray]],
    outcomes: Sequence[Outcome],
    universes: Mapping[str, BoolArray],
    parameters: QualityParameters,
) -> pl.DataFrame:
    """``quality_rows`` of ``judge_each``."""
    against = contests(outcomes, universes)
    return quality_rows(grid, judge_each(measures, against, parameters), parameters)


def _shared_correlation(left: FloatArray, right: FloatArray, min_count: int) -> FloatArray:
    """``rank_correlation`` over the cells in which both have a rank."""
    both = (left > 0) & (right > 0)
    count = np.count_nonzero(both, axis=1)
    return rank_correlation(left * both, right * both, count, min_count=min_count)


def _hits(places: FloatArray, followed: FloatArray, count: IntArray) -> FloatArray:
    """Share of the assets that are on the same side of the day's middle by both ranks."""
    middle = (count[:, None] + 1) / 2
    side = (places - middle) * (followed - middle)
    # cells without ranks are all on the same side: below both middles
    unranked = places.shape[1] - count
    same = np.count_nonzero(side > 0, axis=1) - unranked
    sided = np.count_nonzero(side, axis=1) - unranked
    return np.where(sided > 0, same / np.maximum(sided, 1), np.nan)


def _ahead(values: FloatArray, days: int) -> FloatArray:
    """What will stand there ``days`` rows later; NaN after the end. Here and nowhere else."""
    later = np.full_like(values, np.nan)
    later[: max(len(values) - days, 0)] = values[days:]
    return later


def _sum_of_days(values: FloatArray, days: int) -> FloatArray:
    """Sum of each row and the ``days`` - 1 before it; NaN where one of them is."""
    total = np.full_like(values, np.nan)
    if len(values) >= days:
        windows = np.lib.stride_tricks.sliding_window_view(values, days, axis=0)
        total[days - 1 :] = windows.sum(axis=-1)
    return total


def _ratio(end: FloatArray, start: FloatArray, known: BoolArray) -> FloatArray:
    fine = known & (start > 0) & ~np.isnan(end)
    return np.where(fine, end / np.where(fine, start, 1.0) - 1, np.nan)


def _sharpe(returns: str) -> pl.Expr:
    spread = pl.col(returns).std()
    return pl.when(spread > 1e-9).then(pl.col(returns).mean() / spread * math.sqrt(YEAR_D))


def _max_drawdown(returns: str) -> pl.Expr:
    path = (1 + pl.col(returns)).cum_prod()
    # what was put in at the start is a peak, too
    return (path / pl.max_horizontal(path.cum_max(), pl.lit(1.0)) - 1).min().clip(upper_bound=0)
