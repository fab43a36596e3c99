"""The factor catalogue: formulas by hand, nothing from the future, declared signs."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.factors import (
    OPTIONAL_COLUMNS,
    catalogue,
    catalogue_by_name,
    compute_factors,
)

START = date(2023, 1, 1)


def bars(
    assets: int = 6, days: int = 200, seed: int = 3, *, optional: bool = False
) -> pl.DataFrame:
    chance = np.random.default_rng(seed)
    close = np.exp(np.cumsum(chance.normal(0, 0.04, (assets, days)), axis=1))
    columns = {
        "asset_id": np.repeat([f"a{n}" for n in range(assets)], days),
        "day": [START + timedelta(days=n) for n in range(days)] * assets,
        "close_usd": close.ravel(),
        "high_usd": (close * (1 + chance.uniform(0, 0.05, close.shape))).ravel(),
        "low_usd": (close * (1 - chance.uniform(0, 0.05, close.shape))).ravel(),
        "volume_usd": np.exp(chance.normal(15, 0.5, close.shape)).ravel(),
        "in_universe": [True] * (assets * days),
    }
    if optional:
        columns |= {name: np.exp(chance.normal(0, 0.1, assets * days)) for name in OPTIONAL_COLUMNS}
    return pl.DataFrame(columns)


def one(frame: pl.DataFrame, factor: str, asset: str = "a0") -> np.ndarray:
    found = compute_factors(frame.lazy(), [factor]).collect()
    return found.filter(pl.col("asset_id") == asset).sort("day")[factor].to_numpy()


def returns(frame: pl.DataFrame, asset: str = "a0") -> np.ndarray:
    close = frame.filter(pl.col("asset_id") == asset).sort("day")["close_usd"].to_numpy()
    return np.concatenate(([np.nan], close[1:] / close[:-1] - 1))


def test_every_factor_says_where_it_is_from() -> None:
    names = [factor.name for factor in catalogue()]
    assert len(set(names)) == len(names)
    for factor in catalogue():
        assert factor.sign in (-1, 1), factor.name
        assert factor.formula, factor.name
        assert factor.source, factor.name
        assert set(factor.needs) <= set(OPTIONAL_COLUMNS), factor.name


def test_volatility_and_gains_by_hand() -> None:
    frame = bars()
    day = returns(frame)
    assert one(frame, "volatility_30d")[-1] == pytest.approx(np.std(np.log1p(day[-30:]), ddof=1))
    assert one(frame, "max_gain_30d")[-1] == pytest.approx(day[-30:].max())
    assert one(frame, "max5_gain_60d")[-1] == pytest.approx(np.sort(day[-60:])[-5:].mean())
    losses = np.minimum(day[-30:], 0)
    assert one(frame, "semi_volatility_30d")[-1] == pytest.approx(np.sqrt((losses**2).mean()))


def test_ranges_shocks_and_returns_by_hand() -> None:
    frame = bars()
    mine = frame.filter(pl.col("asset_id") == "a0")
    ranges = np.log(mine["high_usd"].to_numpy() / mine["low_usd"].to_numpy())
    volume = np.log(mine["volume_usd"].to_numpy())
    close = mine["close_usd"].to_numpy()
    assert one(frame, "range_30d")[-1] == pytest.approx(np.median(ranges[-30:]))
    shock = volume[-7:].mean() - volume[-90:].mean()
    assert one(frame, "volume_shock_7d_90d")[-1] == pytest.approx(shock)
    assert one(frame, "return_14d")[-1] == pytest.approx(close[-1] / close[-15] - 1)
    assert one(frame, "age")[-1] == 199


def test_residual_volatility_is_what_a_regression_leaves() -> None:
    frame = bars()
    every = np.stack([np.log1p(returns(frame, f"a{number}"))[-60:] for number in range(6)])
    slope, intercept = np.polyfit(every.mean(axis=0), every[0], 1)
    left = every[0] - slope * every.mean(axis=0) - intercept
    assert one(frame, "residual_volatility_60d")[-1] == pytest.approx(np.sqrt((left**2).mean()))
    assert one(frame, "beta_60d")[-1] == pytest.approx(slope)


def test_the_weekday_is_that_of_the_first_day_held() -> None:
    """A value of day d is acted on at the close of d + 1: the first day held is d + 2."""
    frame = bars()
    day = returns(frame)
    last = len(day) - 1
    same = [day[last + 2 - 7 * week] for week in range(1, 27)]
    assert one(frame, "weekday_26w")[-1] == pytest.approx(np.mean(same))


def test_tomorrow_changes_nothing_today() -> None:
    whole = bars(optional=True)
    cut = START + timedelta(days=150)
    early = compute_factors(whole.filter(pl.col("day") <= cut).lazy()).collect()
    late = compute_factors(whole.lazy()).collect().filter(pl.col("day") <= cut)
    for factor in catalogue():
        left, right = early[factor.name].to_numpy(), late[factor.name].to_numpy()
        np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-10, err_msg=factor.name)


def test_order_of_rows_changes_nothing() -> None:
    frame = bars(optional=True)
    mixed = frame.sample(fraction=1, shuffle=True, seed=1)
    assert compute_factors(frame.lazy()).collect().equals(compute_factors(mixed.lazy()).collect())


def test_what_has_no_column_is_left_out_or_refused() -> None:
    frame = bars()
    given = compute_factors(frame.lazy()).collect().columns
    assert "funding_7d" not in given
    assert "age" in given
    with pytest.raises(AnalyticsError, match="funding_7d needs"):
        compute_factors(frame.lazy(), ["funding_7d"])
    with pytest.raises(AnalyticsError, match="no such factor"):
        compute_factors(frame.lazy(), ["luck"])
    with pytest.raises(AnalyticsError, match="bars lack"):
        compute_factors(frame.drop("volume_usd").lazy())


def test_constants_zeros_and_holes_are_null_and_never_nan() -> None:
    frame = bars(optional=True).with_columns(
        pl.when(pl.col("asset_id") == "a1")
        .then(1.0)
        .otherwise(pl.col("close_usd"))
        .alias("close_usd"),
        pl.when(pl.col("asset_id") == "a2")
        .then(0.0)
        .otherwise(pl.col("volume_usd"))
        .alias("volume_usd"),
    )
    frame = frame.filter(~((pl.col("asset_id") == "a3") & (pl.col("day").dt.day() == 5)))
    found = compute_factors(frame.lazy()).collect()
    assert set(catalogue_by_name()) == set(found.columns) - {"asset_id", "day"}
    for name in catalogue_by_name():
        assert found[name].is_finite().all(), name
