"""Agreement with TA-Lib on random walks, and where its definitions are others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
import talib

from pipelines.analytics import momentum, moving, oscillators, ranges, risk
from tests.unit.analytics.support import GAP, closes, series, walk

Array = npt.NDArray[np.float64]

SEEDS = (1, 2, 3)


def market(seed: int) -> tuple[pl.DataFrame, Array, Array, Array]:
    """Two assets, so that a leak between them would show; the second one's arrays."""
    frame = walk(seed, assets=2, length=1500)
    second = frame.filter(pl.col("asset_id") == "asset-1")
    high, low, close = (second[f"{name}_usd"].to_numpy() for name in ("high", "low", "close"))
    return frame, high, low, close


def assert_agrees(frame: pl.LazyFrame, name: str, expected: Array) -> None:
    result = frame.filter(pl.col("asset_id") == "asset-1").collect()[name]
    actual = result.to_numpy()
    assert (np.isnan(actual) == np.isnan(expected)).all(), f"{name}: first values differ"
    gap = np.nanmax(np.abs(actual - expected) / np.maximum(1, np.abs(expected)))
    assert gap <= 1e-9, f"{name} differs by {gap}"


CASES: dict[str, tuple[Callable[[pl.LazyFrame], pl.LazyFrame], Callable[..., Array]]] = {
    "sma_50": (lambda f: moving.sma(f, n=50), lambda h, low, c: talib.SMA(c, 50)),
    "ema_12": (lambda f: moving.ema(f, n=12, max_gap_d=GAP), lambda h, low, c: talib.EMA(c, 12)),
    "ema_26": (lambda f: moving.ema(f, n=26, max_gap_d=GAP), lambda h, low, c: talib.EMA(c, 26)),
    "rsi_14": (
        lambda f: oscillators.rsi(f, n=14, max_gap_d=GAP),
        lambda h, low, c: talib.RSI(c, 14),
    ),
    "tr": (
        lambda f: ranges.atr(f, n=14, max_gap_d=GAP),
        talib.TRANGE,
    ),
    "atr_14": (
        lambda f: ranges.atr(f, n=14, max_gap_d=GAP),
        lambda h, low, c: talib.ATR(h, low, c, 14),
    ),
    # a fraction here, per cent there
    "natr_14": (
        lambda f: ranges.atr(f, n=14, max_gap_d=GAP),
        lambda h, low, c: talib.NATR(h, low, c, 14) / 100,
    ),
    "bb_up": (
        lambda f: ranges.bollinger(f, n=20, deviations=2),
        lambda h, low, c: talib.BBANDS(c, 20, 2, 2)[0],
    ),
    "bb_mid": (
        lambda f: ranges.bollinger(f, n=20, deviations=2),
        lambda h, low, c: talib.BBANDS(c, 20, 2, 2)[1],
    ),
    "bb_low": (
        lambda f: ranges.bollinger(f, n=20, deviations=2),
        lambda h, low, c: talib.BBANDS(c, 20, 2, 2)[2],
    ),
    # the channel of the days before, so TA-Lib's one day later
    "donchian_high_20": (
        lambda f: ranges.donchian(f, n=20),
        lambda h, low, c: np.concatenate([[np.nan], talib.MAX(h, 20)[:-1]]),
    ),
    "donchian_low_20": (
        lambda f: ranges.donchian(f, n=20),
        lambda h, low, c: np.concatenate([[np.nan], talib.MIN(low, 20)[:-1]]),
    ),
    "ret_28d": (
        lambda f: momentum.tsmom(f, horizons=(28,), vol_d=90, min_obs=60, sd_floor=1e-9),
        lambda h, low, c: talib.ROCP(c, 28),
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_talib(name: str, seed: int) -> None:
    frame, high, low, close = market(seed)
    ours, theirs = CASES[name]
    assert_agrees(ours(frame.lazy()), name, theirs(high, low, close))


@pytest.mark.parametrize("seed", SEEDS)
def test_correlation_and_beta_agree_with_talib(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 0.04, 600)
    x = 0.7 * y + rng.normal(0, 0.03, 600)
    frame = pl.concat(
        [series({"x": y, "y": x}, asset="asset-0"), series({"x": x, "y": y}, asset="asset-1")]
    )
    window = risk.Window(days=30, min_obs=30)
    result = risk.beta_correlation(frame, x="x", y="y", window=window, sd_floor=1e-9)
    assert_agrees(result, "corr_30d", talib.CORREL(x, y, 30))
    # TA-Lib's BETA takes prices and makes returns of them; its first argument is the asset's
    # benchmark
    prices = [100 * np.cumprod(np.concatenate([[1.0], 1 + r])) for r in (y, x)]
    assert_agrees(result, "beta_30d", talib.BETA(prices[0], prices[1], 30)[1:])


@pytest.mark.parametrize("seed", SEEDS)
def test_macd_differs_from_talib_in_the_seed_of_the_fast_average(seed: int) -> None:
    """Ours subtracts two EMAs, each seeded by its own first closes.

    TA-Lib seeds the fast one by the closes that end where the slow one's seed ends, so that both
    begin on one day. The lines differ by what is left of that seed, and it fades.
    """
    frame, _, _, close = market(seed)
    ours = moving.macd(frame.lazy(), fast=12, slow=26, signal=9, max_gap_d=GAP)
    ours = ours.filter(pl.col("asset_id") == "asset-1")
    line = ours.collect()["macd"].to_numpy()
    theirs = talib.MACD(close, 12, 26, 9)[0]
    late_seed = moving.ema(closes(close[14:].tolist()), n=12, max_gap_d=GAP).collect()["ema_12"]
    slow = moving.ema(closes(close.tolist()), n=26, max_gap_d=GAP).collect()["ema_26"]
    rebuilt = late_seed.to_numpy()[11:] - slow.to_numpy()[25:]
    known = ~np.isnan(theirs)
    assert np.allclose(rebuilt[known[25:]], theirs[known], rtol=0, atol=1e-9), (
        "with the fast average seeded late, the lines are TA-Lib's"
    )
    assert abs(line[33] - theirs[33]) > 1e-9, "the seeds should still differ on the first day"
    assert np.allclose(line[250:], theirs[250:], rtol=0, atol=1e-9), "the seed should have faded"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_signal_line_agrees_with_talib_on_one_and_the_same_line(seed: int) -> None:
    """The signal line is the EMA of the MACD in both; only the line under it differs."""
    frame, _, _, _ = market(seed)
    ours = moving.macd(frame.lazy(), fast=12, slow=26, signal=9, max_gap_d=GAP)
    second = ours.filter(pl.col("asset_id") == "asset-1").collect()
    line = second["macd"].to_numpy()
    expected = np.concatenate([np.full(25, np.nan), talib.EMA(line[25:], 9)])
    assert_agrees(ours, "macd_signal", expected)


def test_rsi_differs_from_talib_where_nothing_moves() -> None:
    """No gain and no loss is the middle, 50. TA-Lib says 0."""
    still = [7.0] * 30
    ours = oscillators.rsi(closes(still), n=14, max_gap_d=GAP).collect()["rsi_14"].to_list()
    assert ours[14:] == [50.0] * 16
    assert talib.RSI(np.array(still), 14)[14:].tolist() == [0.0] * 16


def test_bollinger_agrees_with_talib_after_a_collapse() -> None:
    """Neither remembers the large prices that have left the window."""
    values = np.concatenate([np.full(30, 1e5), 1e-4 * (1 + 0.1 * np.sin(np.arange(60)))])
    exact = [float(np.std(values[i - 19 : i + 1])) for i in range(55, 90)]
    ours = ranges.bollinger(closes(values.tolist()), n=20, deviations=1).collect()
    width = (ours["bb_up"] - ours["bb_mid"]).to_numpy()[55:]
    up, mid, _ = talib.BBANDS(values, 20, 1, 1)
    assert np.allclose(width, exact, rtol=1e-9, atol=0)
    assert np.allclose((up - mid)[55:], exact, rtol=1e-9, atol=0)
