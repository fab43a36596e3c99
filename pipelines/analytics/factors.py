"""The factor catalogue: what is said to precede returns, its formula, its source and its sign.

Every factor is a number that stands at the close of a day and rests on that day and the ones
before. The sign is declared here, once, and never fitted: 1 if a high value is good, -1 if a low
one is. The research bench judges all of them; a grade uses a few, named in its seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    Panel,
    as_given,
    dense,
    in_order,
    lagged,
)

FLAT: Final = 1e-9
"""A standard deviation or range up to it is that of a constant."""

OBSERVED_SHARE: Final = 0.8
"""Share of a window's days that must have a value."""

GAIN_COUNT: Final = 5
SEASON_WEEKS: Final = 26
SKIP_D: Final = 1
"""Days between the close that a factor rests on and the close at which one can act on it."""

FIRST_HELD_D: Final = SKIP_D + 1
"""Days until the end of the first day of which one has the return."""

PRICE_COLUMNS: Final = ("high_usd", "low_usd", "close_usd", "volume_usd", "in_universe")
"""What every factor of price and volume is made of; ``in_universe`` says who is the market."""

OPTIONAL_COLUMNS: Final = (
    "funding_8h_eq",
    "basis_frac",
    "oi_usd",
    "mcap_usd",
    "supply_native",
    "active_address_count",
    "fees_usd",
    "chain_stables_usd",
)
"""What some factors need besides; a factor without its column is not computed."""


@dataclass(frozen=True, slots=True)
class CatalogueFactor:
    """One factor of the catalogue.

    Attributes:
        name: its column; the window, where it has one, is part of the name.
        family: what it measures.
        sign: 1 if a high value is good, -1 if a low one is.
        formula: in words.
        source: where in the literature it is from.
        value: the expression, on the dense frame of ``_prepared``.
        needs: columns of ``OPTIONAL_COLUMNS`` that it is made of.
    """

    name: str
    family: str
    sign: int
    formula: str
    source: str
    value: pl.Expr
    needs: tuple[str, ...] = ()


def catalogue() -> tuple[CatalogueFactor, ...]:
    """Every factor, in the order of publication."""
    return _CATALOGUE


def catalogue_by_name() -> Mapping[str, CatalogueFactor]:
    """Every factor under its name."""
    return {factor.name: factor for factor in _CATALOGUE}


def compute_factors(bars: pl.LazyFrame, names: Sequence[str] | None = None) -> pl.LazyFrame:
    """Factors of a panel of daily bars.

    Args:
        bars: one row per (asset_id, day) with ``PRICE_COLUMNS`` and any of ``OPTIONAL_COLUMNS``;
            prices in constant units, NULL where unknown.
        names: the factors wanted; None: all whose columns are there.

    Returns:
        asset_id, day and one column per factor, unsigned; NULL where a window has fewer values
        than ``OBSERVED_SHARE`` of its days, and NULL instead of NaN or infinity.

    Raises:
        AnalyticsError: an unknown factor, or one whose columns are missing, was asked for.
    """
    given = set(bars.collect_schema().names())
    known = catalogue_by_name()
    missing = sorted(({ASSET, DAY, *PRICE_COLUMNS}) - given)
    if missing:
        msg = f"bars lack {missing}"
        raise AnalyticsError(msg)
    if names is None:
        chosen = [factor for factor in _CATALOGUE if given.issuperset(factor.needs)]
    else:
        unknown = sorted(set(names) - set(known))
        if unknown:
            msg = f"no such factor in the catalogue: {unknown}"
            raise AnalyticsError(msg)
        chosen = [known[name] for name in names]
        for factor in chosen:
            if not given.issuperset(factor.needs):
                lacking = sorted(set(factor.needs) - given)
                msg = f"{factor.name} needs {lacking}, which the bars lack"
                raise AnalyticsError(msg)
    found = [factor.name for factor in chosen]
    # in two steps: a value that is asked for twice in one is computed twice
    return as_given(
        _prepared(bars)
        .with_columns(factor.value.alias(factor.name) for factor in chosen)
        .with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in found)
    ).select(ASSET, DAY, *found)


def _prepared(bars: pl.LazyFrame) -> pl.LazyFrame:
    """The bars on a dense calendar, with what several factors share."""
    close, before = pl.col("close_usd"), lagged(pl.col("close_usd"), 1)
    ret = pl.when((close > 0) & (before > 0)).then(close / before - 1)
    volume = pl.col("volume_usd")
    spine = dense(bars).with_columns(
        ret.alias("_ret"),
        ret.log1p().alias("_logret"),
        pl.when(volume > 0).then(volume.log()).alias("_logvol"),
        pl.when((pl.col("low_usd") > 0) & (pl.col("high_usd") >= pl.col("low_usd")))
        .then((pl.col("high_usd") / pl.col("low_usd")).log())
        .alias("_range"),
        (pl.col(DAY) - pl.col(DAY).filter(close.is_not_null()).min().over(SERIES))
        .dt.total_days()
        .cast(pl.Float64)
        .alias("_age"),
        pl.col(DAY).dt.weekday().alias("_weekday"),
        # the newest return of the weekday that the first day held will have
        lagged(ret, 7 - FIRST_HELD_D).alias("_same_weekday"),
    )
    # sums of floats are the same to the last digit only in the same order
    member = in_order(
        spine.filter(
            pl.col("in_universe").fill_null(value=False) & pl.col("_logret").is_not_null()
        ).select(ASSET, DAY, "_logret"),
        DAY,
        ASSET,
    )
    market = member.group_by(DAY, maintain_order=True).agg(pl.col("_logret").mean().alias("_mkt"))
    spine = spine.join(market, on=DAY, how="left", maintain_order="left")
    both = pl.col("_logret").is_not_null() & pl.col("_mkt").is_not_null()
    spine = spine.with_columns(
        pl.when(both).then(pl.col("_mkt")).alias("_x"),
        pl.when(both).then(pl.col("_logret")).alias("_y"),
    ).with_columns(
        (pl.col("_x") * pl.col("_x")).alias("_xx"),
        (pl.col("_y") * pl.col("_y")).alias("_yy"),
        (pl.col("_x") * pl.col("_y")).alias("_xy"),
    )
    schema = spine.collect_schema() | {f"_gains_{days}d": pl.Float64() for days in _GAIN_WINDOWS}
    return spine.map_batches(_with_largest_gains, schema=pl.Schema(schema))


_GAIN_WINDOWS: Final = (30, 60)


def _with_largest_gains(frame: pl.DataFrame) -> pl.DataFrame:
    """Mean of the largest returns of a window: an order statistic that Polars cannot roll."""
    panel = Panel(frame)
    returns = panel.floats(frame["_ret"])
    return frame.with_columns(
        pl.Series(f"_gains_{days}d", panel.in_frame_order(_largest_gains(returns, days)))
        for days in _GAIN_WINDOWS
    ).with_columns(pl.col(f"_gains_{days}d").fill_nan(None) for days in _GAIN_WINDOWS)


def _largest_gains(returns: FloatArray, days: int) -> FloatArray:
    found = np.full(returns.shape, np.nan)
    # a matrix of all windows at once would be as large as the window is long
    for row in range(days - 1, len(returns)):
        window = returns[row - days + 1 : row + 1]
        known = ~np.isnan(window)
        lowest = np.where(known, window, -np.inf)
        top = np.partition(lowest, days - GAIN_COUNT, axis=0)[days - GAIN_COUNT :]
        enough = (known.sum(axis=0) >= _min_obs(days)) & known[-1]
        found[row] = np.where(enough, np.sort(top, axis=0).sum(axis=0) / GAIN_COUNT, np.nan)
    return found


def _min_obs(days: int) -> int:
    return math.ceil(OBSERVED_SHARE * days)


Rolled = Callable[[pl.Expr, int], pl.Expr]


def _mean(value: pl.Expr, days: int) -> pl.Expr:
    return value.rolling_mean(days, min_samples=_min_obs(days)).over(SERIES)


def _sd(value: pl.Expr, days: int) -> pl.Expr:
    return value.rolling_std(days, min_samples=_min_obs(days)).over(SERIES)


def _median(value: pl.Expr, days: int) -> pl.Expr:
    return value.rolling_median(days, min_samples=_min_obs(days)).over(SERIES)


def _max(value: pl.Expr, days: int) -> pl.Expr:
    return value.rolling_max(days, min_samples=_min_obs(days)).over(SERIES)


def _min(value: pl.Expr, days: int) -> pl.Expr:
    return value.rolling_min(days, min_samples=_min_obs(days)).over(SERIES)


def _change(value: pl.Expr, days: int) -> pl.Expr:
    before = lagged(value, days)
    return pl.when(before > 0).then(value / before - 1)


def _z(value: pl.Expr, days: int) -> pl.Expr:
    return (value - _mean(value, days)) / _sd(value, days)


def _moving(value: pl.Expr) -> pl.Expr:
    """A spread, unless it is that of a price that does not move: that is no calm, but no market."""
    return pl.when(value > FLAT).then(value)


def _beta(days: int) -> pl.Expr:
    x, y = _mean(pl.col("_x"), days), _mean(pl.col("_y"), days)
    variance = _mean(pl.col("_xx"), days) - x * x
    return pl.when(variance > 0).then((_mean(pl.col("_xy"), days) - x * y) / variance)


def _residual_sd(days: int) -> pl.Expr:
    x, y = _mean(pl.col("_x"), days), _mean(pl.col("_y"), days)
    market = _mean(pl.col("_xx"), days) - x * x
    own = _mean(pl.col("_yy"), days) - y * y
    shared = _mean(pl.col("_xy"), days) - x * y
    # rounding may leave a trace below zero where the asset is the market
    left = (own - shared * shared / market).clip(0.0).sqrt()
    return _moving(pl.when(market > 0).then(left))


def _skew(days: int) -> pl.Expr:
    value = pl.col("_logret")
    return value.rolling_skew(days, min_samples=_min_obs(days)).over(SERIES)


def _kurtosis(days: int) -> pl.Expr:
    value = pl.col("_logret")
    return value.rolling_kurtosis(days, min_samples=_min_obs(days)).over(SERIES)


def _weekday(weeks: int) -> pl.Expr:
    """Mean return of the weekday that the first day held will have."""
    same = pl.col("_same_weekday").rolling_mean(weeks, min_samples=_min_obs(weeks))
    return same.over(SERIES, "_weekday")


_CLOSE, _VOLUME = pl.col("close_usd"), pl.col("_logvol")
_LOW_RISK = "Blitz and van Vliet 2007; for coins Burggraf and Rudolf 2021"
_REVERSAL = "Jegadeesh 1990; for coins Bianchi, Babiak and Dickerson 2022"
_MOMENTUM = "Liu, Tsyvinski and Wu 2022, whose sign is the opposite; Grobys and Sapkota 2019"
_LOTTERY = "Bali, Cakici and Whitelaw 2011; for coins Grobys and Junttila 2021"
_ATTENTION = "Barber and Odean 2008; Gervais, Kaniel and Mingelgrin 2001 has the opposite sign"


def _factor(
    name: str,
    family: str,
    sign: int,
    value: pl.Expr,
    formula: str,
    source: str,
    *needs: str,
) -> CatalogueFactor:
    return CatalogueFactor(name, family, sign, formula, source, value, needs)


def _made() -> tuple[CatalogueFactor, ...]:
    found: list[CatalogueFactor] = []

    def add(*factors: CatalogueFactor) -> None:
        found.extend(factors)

    for n in (14, 30, 60, 90):
        add(
            _factor(
                f"volatility_{n}d",
                "volatility",
                -1,
                _moving(_sd(pl.col("_logret"), n)),
                f"standard deviation of daily log returns over {n} d",
                _LOW_RISK,
            )
        )
    add(
        _factor(
            "semi_volatility_30d",
            "volatility",
            -1,
            _mean(pl.col("_ret").clip(upper_bound=0.0).pow(2), 30).sqrt(),
            "root of the mean squared daily loss over 30 d, days without a loss counting 0",
            "Ang, Chen and Xing 2006",
        ),
        *(
            _factor(
                f"upside_volatility_{n}d",
                "volatility",
                -1,
                _mean(pl.col("_ret").clip(lower_bound=0.0).pow(2), n).sqrt(),
                f"root of the mean squared daily gain over {n} d, days without a gain counting 0",
                "Segal, Shaliastovich and Yaron 2015",
            )
            for n in (30, 60)
        ),
        *(
            _factor(
                f"range_{n}d",
                "volatility",
                -1,
                _moving(_median(pl.col("_range"), n)),
                f"median of log(high / low) over {n} d",
                "Parkinson 1980, as a median so that one wick does not count",
            )
            for n in (30, 60)
        ),
        *(
            _factor(
                f"parkinson_{n}d",
                "volatility",
                -1,
                (_mean(pl.col("_range").pow(2), n) / (4 * math.log(2))).sqrt(),
                f"root of the mean of log(high / low)^2 / (4 ln 2) over {n} d",
                "Parkinson 1980",
            )
            for n in (30, 60)
        ),
        *(
            _factor(
                f"residual_volatility_{n}d",
                "volatility",
                -1,
                _residual_sd(n),
                f"standard deviation over {n} d of the daily log return that the universe's mean "
                "log return does not explain",
                "Ang, Hodrick, Xing and Zhang 2006; for coins Zhang and Li 2020",
            )
            for n in (30, 60)
        ),
        *(
            _factor(
                f"beta_{n}d",
                "beta",
                -1,
                _beta(n),
                f"slope over {n} d of daily log returns on the universe's mean log return",
                "Frazzini and Pedersen 2014",
            )
            for n in (30, 60)
        ),
        *(
            _factor(
                f"max_gain_{n}d",
                "lottery",
                -1,
                _max(pl.col("_ret"), n),
                f"largest daily return of {n} d",
                _LOTTERY,
            )
            for n in (14, 30, 60)
        ),
        *(
            _factor(
                f"max5_gain_{n}d",
                "lottery",
                -1,
                pl.when(_sd(pl.col("_logret"), n) > FLAT).then(pl.col(f"_gains_{n}d")),
                f"mean of the five largest daily returns of {n} d",
                _LOTTERY,
            )
            for n in _GAIN_WINDOWS
        ),
        _factor(
            "max_loss_30d",
            "lottery",
            1,
            _min(pl.col("_ret"), 30),
            "smallest daily return of 30 d",
            "Atilgan, Bali, Demirtas and Gunaydin 2020",
        ),
        *(
            _factor(
                f"skewness_{n}d",
                "lottery",
                -1,
                _skew(n),
                f"skewness of daily log returns over {n} d",
                "Amaya, Christoffersen, Jacobs and Vasquez 2015; for coins Jia, Liu and Yan 2021",
            )
            for n in (30, 60)
        ),
        _factor(
            "kurtosis_30d",
            "lottery",
            -1,
            _kurtosis(30),
            "excess kurtosis of daily log returns over 30 d",
            "Amaya, Christoffersen, Jacobs and Vasquez 2015",
        ),
        *(
            _factor(
                f"return_{n}d",
                "reversal" if n <= 14 else "momentum",
                -1,
                _change(_CLOSE, n),
                f"close over the close {n} d before, less 1",
                _REVERSAL if n <= 14 else _MOMENTUM,
            )
            for n in (1, 3, 5, 7, 14, 28, 60, 90)
        ),
        *(
            _factor(
                f"high_distance_{n}d",
                "momentum",
                1,
                _CLOSE / _max(pl.col("high_usd"), n),
                f"close over the highest high of {n} d",
                "George and Hwang 2004",
            )
            for n in (30, 90)
        ),
        _factor(
            "volume_shock_1d",
            "attention",
            -1,
            _z(_VOLUME, 30),
            "log volume in standard deviations from its mean of 30 d",
            _ATTENTION,
        ),
        *(
            _factor(
                f"volume_shock_{short}d_{n}d",
                "attention",
                -1,
                _mean(_VOLUME, short) - _mean(_VOLUME, n),
                f"mean log volume of {short} d less that of {n} d",
                _ATTENTION,
            )
            for short, n in ((3, 30), (7, 30), (7, 90), (30, 90))
        ),
        _factor(
            "volume_volatility_30d",
            "attention",
            -1,
            _sd(_VOLUME, 30),
            "standard deviation of log volume over 30 d",
            "Chordia, Subrahmanyam and Anshuman 2001",
        ),
        _factor(
            "illiquidity_30d",
            "liquidity",
            1,
            _mean(pl.col("_logret").abs() / pl.col("_logvol").exp(), 30),
            "mean of absolute daily log return over volume in USD, 30 d",
            "Amihud 2002",
        ),
        _factor(
            "traded_value_30d",
            "liquidity",
            -1,
            _median(_VOLUME, 30),
            "median log volume in USD of 30 d",
            "Brennan, Chordia and Subrahmanyam 1998",
        ),
        _factor(
            "age",
            "seasoning",
            1,
            pl.col("_age"),
            "days since the first close that is known",
            "Ritter 1991 on new listings",
        ),
        _factor(
            "weekday_26w",
            "seasonality",
            1,
            _weekday(SEASON_WEEKS),
            "mean return, over 26 weeks, of the weekday that comes after the day of entry",
            "Heston and Sadka 2008; for coins Kaiser 2019",
        ),
        _factor(
            "size",
            "size",
            -1,
            pl.when(pl.col("mcap_usd") > 0).then(pl.col("mcap_usd").log()),
            "log market cap",
            "Banz 1981; for coins Liu, Tsyvinski and Wu 2022",
            "mcap_usd",
        ),
        _factor(
            "supply_growth_90d",
            "supply",
            -1,
            _change(pl.col("supply_native"), 90),
            "circulating supply over that of 90 d before, less 1: unlocks that have happened",
            "Pontiff and Woodgate 2008 on share issuance",
            "supply_native",
        ),
        _factor(
            "funding_7d",
            "crowding",
            -1,
            _mean(pl.col("funding_8h_eq"), 7),
            "mean funding rate per 8 h of 7 d",
            "Koijen, Moskowitz, Pedersen and Vrugt 2018; Schmeling, Schrimpf and Todorov 2023",
            "funding_8h_eq",
        ),
        _factor(
            "funding_z_90d",
            "crowding",
            -1,
            _z(pl.col("funding_8h_eq"), 90),
            "funding rate in standard deviations from its mean of 90 d",
            "Schmeling, Schrimpf and Todorov 2023",
            "funding_8h_eq",
        ),
        _factor(
            "basis_7d",
            "crowding",
            -1,
            _mean(pl.col("basis_frac"), 7),
            "mean of the perpetual's price over spot, less 1, of 7 d",
            "Schmeling, Schrimpf and Todorov 2023",
            "basis_frac",
        ),
        _factor(
            "open_interest_change_7d",
            "crowding",
            -1,
            _change(pl.col("oi_usd"), 7),
            "open interest over that of 7 d before, less 1",
            "Hong and Yogo 2012, whose sign is the opposite",
            "oi_usd",
        ),
        _factor(
            "address_growth_28d",
            "network",
            1,
            _mean(pl.col("active_address_count"), 7) / _mean(pl.col("active_address_count"), 28)
            - 1,
            "active addresses: mean of 7 d over that of 28 d, less 1",
            "Cong, Karolyi, Tang and Zhao 2022; Liu and Tsyvinski 2021",
            "active_address_count",
        ),
        _factor(
            "fee_growth_30d",
            "network",
            1,
            _change(_mean(pl.col("fees_usd"), 30), 30),
            "fees of 30 d over those of the 30 d before, less 1",
            "Cong, Karolyi, Tang and Zhao 2022",
            "fees_usd",
        ),
        _factor(
            "stablecoin_inflow_30d",
            "network",
            1,
            _change(pl.col("chain_stables_usd"), 30),
            "stablecoins on the asset's chain over those of 30 d before, less 1",
            "Griffin and Shams 2020 on issuance and prices",
            "chain_stables_usd",
        ),
    )
    return tuple(found)


_CATALOGUE: Final = _made()
