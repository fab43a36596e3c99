"""signal_quality: correlations that are known, errors that know the overlap, deaths that count."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.quality import (
    QualityParameters,
    forward_returns,
    measure_quality,
    strategy_quality,
    summarise,
)
from tests.unit.analytics.support import assert_same

START = date(2024, 1, 1)
PARAMETERS = QualityParameters(
    horizons_d=(1, 7),
    skip_d=0,
    quantile_count=5,
    top_counts=(8,),
    cost_bps=20,
    min_assets=5,
    min_periods=20,
)


def days(count: int) -> list[date]:
    return [START + timedelta(days=number) for number in range(count)]


def panel(values: np.ndarray, name: str) -> pl.DataFrame:
    """One row per asset (row) and day (column)."""
    assets, count = values.shape
    return pl.DataFrame(
        {
            "asset_id": np.repeat([f"a{number:02d}" for number in range(assets)], count),
            "day": days(count) * assets,
            name: values.ravel(),
        }
    )


def walk(seed: int, assets: int = 12, count: int = 120) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.03, (assets, count))
    return np.exp(np.cumsum(steps, axis=1))


def scored(values: np.ndarray) -> pl.DataFrame:
    return panel(values, "value").with_columns(
        measure_kind=pl.lit("factor"), measure=pl.lit("planted")
    )


def judged(values: np.ndarray, closes: np.ndarray) -> pl.DataFrame:
    return measure_quality(
        scored(values).lazy(), panel(closes, "close_usd").lazy(), PARAMETERS
    ).collect()


def value(
    result: pl.DataFrame,
    statistic: str,
    horizon: int = 1,
    quantile: int = 0,
    universe: str = "all",
    period: str = "all",
) -> float:
    rows = result.filter(
        (pl.col("statistic") == statistic)
        & (pl.col("horizon_d") == horizon)
        & (pl.col("quantile") == quantile)
        & (pl.col("universe") == universe)
        & (pl.col("period") == period)
    )
    assert rows.height == 1, f"{statistic} at {horizon} d: {rows.height} rows"
    return float(rows["statistic_value"].item())


def test_a_planted_leak_is_seen_and_its_mirror_too() -> None:
    """Whoever knows tomorrow's return has an information coefficient of 1."""
    closes = walk(1)
    tomorrow = np.full_like(closes, np.nan)
    tomorrow[:, :-1] = closes[:, 1:] / closes[:, :-1] - 1
    known = np.where(np.isnan(tomorrow), 0.0, tomorrow)
    result = judged(known, closes)
    assert value(result, "ic") == pytest.approx(1)
    assert value(result, "hit_frac") == pytest.approx(1)
    assert value(result, "quantile_ret", quantile=5) > value(result, "quantile_ret", quantile=1)
    assert value(result, "spread_ret") > 0.05
    assert value(judged(-known, closes), "ic") == pytest.approx(-1)


def test_yesterday_says_nothing_about_a_random_walk() -> None:
    closes = walk(2, assets=30, count=400)
    past = np.zeros_like(closes)
    past[:, 1:] = closes[:, 1:] / closes[:, :-1] - 1
    result = judged(past, closes)
    reported = result.filter(pl.col("statistic") == "ic")
    assert reported["t_stat"].abs().max() < 3, reported


def test_ic_is_the_mean_of_the_days_spearman_correlations() -> None:
    closes, values = walk(3), np.random.default_rng(4).normal(size=(12, 120))
    result = judged(values, closes)
    daily = []
    for day in range(120 - 7):
        outcome = closes[:, day + 7] / closes[:, day] - 1
        places = values[:, day].argsort().argsort()
        daily.append(np.corrcoef(places, outcome.argsort().argsort())[0, 1])
    assert value(result, "ic", 7) == pytest.approx(np.mean(daily), abs=1e-12)
    assert value(result, "ic_positive_frac", 7) == pytest.approx(np.mean(np.array(daily) > 0))


def newey_west(series: np.ndarray, lags: int) -> float:
    off = series - series.mean()
    count = len(series)
    variance = (off @ off) / count
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (off[lag:] @ off[:-lag]) / count
    return float(np.sqrt(variance / count))


def test_standard_errors_are_newey_wests() -> None:
    chance = np.random.default_rng(5).normal(size=300)
    overlapping = np.convolve(chance, np.ones(28), mode="valid")
    series = pl.DataFrame(
        {
            "measure_kind": "factor",
            "measure": "x",
            "universe": "all",
            "period": "all",
            "horizon_d": pl.Series([28] * len(overlapping), dtype=pl.Int64),
            "statistic": "ic",
            "quantile": pl.Series([0] * len(overlapping), dtype=pl.Int64),
            "day": days(len(overlapping)),
            "x": overlapping,
        }
    )
    (row,) = summarise(series.lazy(), PARAMETERS).collect().to_dicts()
    assert row["lag_count"] == 27
    assert row["standard_error"] == pytest.approx(newey_west(overlapping, 27), rel=1e-12)
    naive = overlapping.std(ddof=1) / np.sqrt(len(overlapping))
    assert row["standard_error"] > 3 * naive, "overlapping days were taken for independent ones"


def test_too_few_days_or_assets_say_nothing() -> None:
    closes, values = walk(6, count=15), walk(7, count=15)
    result = judged(values, closes)
    assert result["statistic_value"].null_count() == result.height
    few = judged(walk(8, assets=4), walk(9, assets=4))
    assert few.is_empty()


def test_what_died_counts_and_what_was_delisted_keeps_its_last_price() -> None:
    closes = pl.DataFrame(
        {
            "asset_id": ["alive"] * 6 + ["dead"] * 4 + ["delisted"] * 3,
            "day": [*days(6), *days(4), *days(3)],
            "close_usd": [1.0, 2, 3, 4, 5, 6, 8, 4, 2, 0, 5, 5, 10],
        }
    )
    ahead = forward_returns(closes.lazy(), 3).collect()
    found = {
        asset: ahead.filter(pl.col("asset_id") == asset).sort("day")["fwd_ret"].to_list()
        for asset in ("alive", "dead", "delisted")
    }
    assert found["alive"] == [3.0, 1.5, 1.0, None, None, None]
    assert found["dead"] == [-1.0, -1.0, -1.0, None], "a death is a loss of everything"
    assert found["delisted"] == [1.0, 1.0, 0.0]


def test_a_missing_close_is_no_return() -> None:
    closes = panel(np.array([[1.0, 2.0, np.nan, 4.0, 5.0]]), "close_usd")
    ahead = forward_returns(closes.lazy(), 1).collect().sort("day")
    assert ahead["fwd_ret"].to_list() == [1.0, None, None, 0.25, None]


def test_ties_stand_together() -> None:
    closes = walk(10)
    result = judged(np.ones_like(closes), closes)
    assert result.filter(pl.col("statistic") == "ic").is_empty(), "equals have no order"
    middle = result.filter(
        (pl.col("statistic") == "quantile_ret")
        & (pl.col("horizon_d") == 1)
        & (pl.col("period") == "all")
    )
    assert middle["quantile"].to_list() == [3]


def test_the_strategy_is_held_against_holding_the_same() -> None:
    count, assets = 40, 6
    position = np.tile(np.arange(count) % 2, (assets, 1))
    hold = np.tile(np.where(np.arange(count) % 2 == 1, 0.02, -0.01), (assets, 1))
    frame = (
        panel(position * hold - 0.001, "strat_ret")
        .with_columns(panel(hold, "hold_ret")["hold_ret"])
        .with_columns(panel(position, "effective_signal")["effective_signal"])
    )
    result = strategy_quality(frame.lazy(), "signal", PARAMETERS).collect()
    assert value(result, "strategy_ret_ann") == pytest.approx((0.01 - 0.001) * 365)
    assert value(result, "hold_ret_ann") == pytest.approx(0.005 * 365)
    assert value(result, "excess_ret_ann") == pytest.approx((0.009 - 0.005) * 365)
    assert value(result, "exposure_frac") == pytest.approx(0.5)
    assert value(result, "traded_frac") == pytest.approx(1)
    path = np.cumprod(1 + np.where(np.arange(count) % 2 == 1, 0.019, -0.001))
    deepest = (path / np.maximum(np.maximum.accumulate(path), 1) - 1).min()
    assert value(result, "strategy_max_drawdown") == pytest.approx(deepest)


def test_order_of_rows_changes_nothing() -> None:
    closes, values = panel(walk(11), "close_usd"), scored(walk(12))
    one = measure_quality(values.lazy(), closes.lazy(), PARAMETERS).collect()
    other = measure_quality(
        values.sample(fraction=1, shuffle=True, seed=1).lazy(),
        closes.sample(fraction=1, shuffle=True, seed=2).lazy(),
        PARAMETERS,
    ).collect()
    keys = ["measure", "horizon_d", "statistic", "quantile"]
    assert_same(one, other, keys=keys, what="quality", tolerance=0)


def funded(rates: np.ndarray) -> pl.DataFrame:
    """Twelve assets that keep their order; each pays a rate of its own, every day."""
    flat = np.ones((12, 60))
    return measure_quality(
        scored(np.arange(12.0)[:, None] * flat).lazy(),
        panel(walk(3, count=60), "close_usd").lazy(),
        PARAMETERS,
        funding=panel(rates[:, None] * flat, "funding_day").lazy(),
    ).collect()


@pytest.mark.parametrize(("turns", "costs"), [(True, [1, 1, 0, 1, 1]), (False, [0, 0, 0, 0, 0])])
def test_each_fifth_pays_for_what_is_replaced_in_it(turns: bool, costs: list[int]) -> None:
    """An order that turns round every day replaces all fifths but the middle one, both ways."""
    sign = np.where(np.arange(120) % 2, -1 if turns else 1, 1)
    result = judged(sign * np.arange(12.0)[:, None], np.ones((12, 120)))
    net = [value(result, "quantile_net_ret", 1, part) for part in range(1, 6)]
    assert net == pytest.approx([-2 * 20 / 1e4 * share for share in costs], abs=1e-12)


@pytest.mark.parametrize("horizon", [1, 7])
def test_a_spread_pays_the_median_funding_of_its_longs_and_receives_its_shorts(
    horizon: int,
) -> None:
    result = funded(1e-4 * np.arange(12))
    paid = value(result, "spread_net_ret", horizon) - value(result, "spread_funded_ret", horizon)
    # two assets on each side: 10.5 against 0.5 ten-thousandths a day
    assert paid == pytest.approx(10e-4 * horizon)


def test_a_side_of_which_most_funding_is_unknown_has_no_spread_after_funding() -> None:
    half, none = 1e-4 * np.arange(12), 1e-4 * np.arange(12)
    half[11] = np.nan
    none[10:] = np.nan
    result = funded(half)
    paid = value(result, "spread_net_ret") - value(result, "spread_funded_ret")
    assert paid == pytest.approx(9.5e-4), "one of two is half of them"
    assert "spread_funded_ret" not in set(funded(none)["statistic"])
