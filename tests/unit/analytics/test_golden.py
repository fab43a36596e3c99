"""Golden vectors: inputs and results that are known from outside."""

from __future__ import annotations

import csv
import math
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.analytics import (
    derivatives,
    moving,
    oscillators,
    ranges,
    risk,
    scoring,
    signals,
)
from pipelines.analytics.depeg import depeg_log
from tests.unit.analytics.support import (
    DEPEG,
    GAP,
    SIGNAL,
    assert_list,
    bars,
    closes,
    column,
    series,
)

STOCKCHARTS = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
    46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672,
    43.4205, 42.6628, 43.1314,
]  # fmt: skip
STOCKCHARTS_RSI = [
    70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749, 62.9296, 63.2571, 56.0593, 62.3771,
    54.7076, 50.4228, 39.9898, 41.4605, 41.8689, 45.4632, 37.3040, 33.0795, 37.7730,
]  # fmt: skip
BTC = [
    10361.6156901812, 9911.72432700175, 9952.04661157218, 9683.0796277031, 10195.3037904734,
    9636.00229865576, 9614.03012244302, 9701.79750268849, 9675.24905756868, 9972.84242308591,
    9648.00788310929, 9344.28714009351, 8798.88894856809, 8779.02948188194, 8750.59344599649,
    8582.09029964933, 8541.77389392169, 8906.21475645821, 8768.81061420222, 8756.36957218001,
    9062.61580274693, 9147.08505897136, 8898.30695675044, 8109.61454114553, 7896.38531987142,
    7909.92787545295, 7939.34133477499, 4959.31341437756, 5627.69238836938, 5145.17250642899,
    5358.61066335476, 5012.92738778492, 5416.7547106955, 5392.48783594389,
]  # fmt: skip
USDC = [1.00000528872005, 0.996723026884863, 0.970647824663939, 0.991825880187025,
        0.998857308165984, 0.999456745577157]  # fmt: skip
UST = [
    0.999732749439293, 0.999507792712025, 0.999585437232298, 0.993867408569497, 0.995171713540249,
    0.820601318180306, 0.78776221764287, 0.763594831676323, 0.371539400877615, 0.125114440677966,
    0.18071539333723, 0.15068784185063, 0.0968608431931629, 0.088919373067047,
]  # fmt: skip


def test_g1_rsi_of_the_published_series() -> None:
    actual = column(oscillators.rsi(closes(STOCKCHARTS), n=14, max_gap_d=GAP), "rsi_14")
    assert actual[:14] == [None] * 14
    for i, (value, expected) in enumerate(zip(actual[14:], STOCKCHARTS_RSI, strict=True), 14):
        assert abs(value - expected) < 5e-5, f"rsi[{i}] is {value}, not {expected}"


def test_g2_true_range_and_atr() -> None:
    frame = bars(
        [10, 11, 12, 11.5, 13, 14],
        [9, 9.5, 10.5, 10, 11, 12.5],
        [9.5, 10.5, 11, 10.5, 12.5, 13],
    )
    result = ranges.atr(frame, n=3, max_gap_d=GAP)
    assert column(result, "tr") == [None, 1.5, 1.5, 1.5, 2.5, 1.5]
    assert_list(
        column(result, "atr_3"), [None, None, None, 1.5, 1.8333333333333333, 1.7222222222222223]
    )
    assert_list(column(result, "natr_3")[-1:], [1.7222222222222223 / 13])


def test_g3_ema_seeded_by_the_sma() -> None:
    result = moving.ema(closes(range(1, 11)), n=3, max_gap_d=GAP)
    assert_list(column(result, "ema_3"), [None, None, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])


def test_g4_macd_of_squares() -> None:
    frame = closes([i * i for i in range(1, 16)])
    result = moving.macd(frame, fast=3, slow=6, signal=3, max_gap_d=GAP)
    line, smooth = column(result, "macd"), column(result, "macd_signal")
    assert line[:5] == [None] * 5
    assert smooth[:7] == [None] * 7
    expected = [(line[5], 11.666667), (line[14], 33.282009), (smooth[7], 13.228175)]
    for actual, value in [*expected, (smooth[14], 30.463699)]:
        assert abs(actual - value) < 1e-6
    assert_list(column(result, "macd_hist")[14:], [line[14] - smooth[14]])


def test_g5_bollinger_with_the_population_deviation() -> None:
    result = ranges.bollinger(closes([10, 12, 11, 13, 14]), n=5, deviations=2).collect()
    last = result.row(-1, named=True)
    assert last["bb_mid"] == 12
    assert math.isclose(last["bb_up"], 14.82842712474619, abs_tol=1e-9)
    assert math.isclose(last["bb_low"], 12 - 2 * math.sqrt(2), abs_tol=1e-9)
    assert math.isclose(last["bb_width"], 4 * math.sqrt(2) / 12, abs_tol=1e-12)
    assert result["bb_mid"].to_list()[:4] == [None] * 4


@pytest.mark.parametrize(
    ("returns", "expected"), [([-10.0] * 4, 10.0), ([0.0, 0.0, 0.0, -10.0], 5.0)]
)
def test_g6_downside_deviation_over_all_observations(returns: list[float], expected: float) -> None:
    window = risk.Window(days=4, min_obs=4)
    result = risk.downside_deviation(series({"ret_1d": returns}), window=window, target=0)
    assert_list(column(result, "downside_dev_4d")[-1:], [expected])


def test_g7_sharpe_and_sortino() -> None:
    frame = series({"ret_1d": [0.01, -0.02, 0.03, -0.01, 0.02]})
    window = risk.Window(days=5, min_obs=5)
    sharpe = risk.sharpe(frame, window=window, risk_free=0, sd_floor=1e-9, days_per_year=365)
    sortino = risk.sortino(frame, window=window, target=0, days_per_year=365)
    assert_list(column(sharpe, "sharpe_5d")[-1:], [5.527941708708922])
    assert_list(column(sortino, "sortino_5d")[-1:], [11.462983904725679])


def test_g8_drawdown() -> None:
    frame = closes([100, 120, 90, 95, 130, 65, 70])
    window = risk.Window(days=90, min_obs=7)
    assert min(column(risk.drawdown(frame), "drawdown_frac")) == -0.5
    assert column(risk.max_drawdown(frame, window=window), "max_drawdown_90d")[-1] == -0.5


def test_g9_beta_and_correlation() -> None:
    frame = series({"a": [0.02, -0.01, 0.03, -0.04, 0.01], "b": [0.01, -0.02, 0.02, -0.03, 0.02]})
    window = risk.Window(days=5, min_obs=5)
    result = risk.beta_correlation(frame, x="a", y="b", window=window, sd_floor=1e-9)
    assert_list(column(result, "beta_5d")[-1:], [1.0909090909090908])
    assert_list(column(result, "corr_5d")[-1:], [0.9219864597038361])
    assert column(result, "n_obs_5d") == [1, 2, 3, 4, 5]


def test_g12_mid_rank_percentile() -> None:
    frame = pl.LazyFrame({"day": [date(2024, 1, 1)] * 5, "x": [0.10, -0.05, None, 0.10, 0.30]})
    result = frame.select(scoring.mid_rank_percentile(pl.col("x"), within=["day"]).alias("x"))
    assert column(result, "x") == [50.0, 12.5, None, 50.0, 87.5]


def test_g13_signal_machine() -> None:
    grades = [50, 66, 64, 66, 67, 60, 55, 49, None, 48, 34, 33, 30, 52, 70, 71]
    frame = series(
        {
            "trader_grade": [None if g is None else float(g) for g in grades],
            "in_universe": [True] * 16,
            "is_dead": [False] * 16,
            "price_quality": ["ok"] * 16,
        }
    )
    result = signals.signals(frame, SIGNAL).collect()
    assert result["signal"].to_list() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, -1, -1, -1, -1, 1]
    assert (result["effective_day"] - result["day"]).unique().to_list() == [timedelta(days=1)]


def test_g14_fisher_z() -> None:
    frame = pl.LazyFrame({"r": [0.2], "n": [30], "p": [0.8], "m": [90]})
    z = risk.fisher_z(pl.col("r"), pl.col("n"), pl.col("p"), pl.col("m"), clip=0.9999)
    assert_list(column(frame.select(z.alias("z")), "z"), [-4.06666872148806])


def test_g15_funding_per_eight_hours() -> None:
    frame = pl.LazyFrame({"rate": [0.0001, 0.0002, 0.0001, 0.0001], "hours": [1, 4, None, 0]})
    equal = derivatives.funding_8h_equivalent(pl.col("rate"), pl.col("hours"))
    assert_list(column(frame.select(equal.alias("f")), "f"), [0.0008, 0.0004, None, None])


def coin(name: str, closing: list[float], start: date) -> pl.LazyFrame:
    return series(
        {
            "dev_bps": [(price - 1) * 1e4 for price in closing],
            "dev_low_bps": [None] * len(closing),
            "is_eligible": [True] * len(closing),
            "dead_from": [None] * len(closing),
        },
        asset=name,
        start=start,
        key="stablecoin_id",
    ).with_columns(pl.col("dev_low_bps").cast(pl.Float64), pl.col("dead_from").cast(pl.Date))


def test_g16_depegs_of_usdc_and_ust() -> None:
    frame = pl.concat([coin("usdc", USDC, date(2023, 3, 9)), coin("ust", UST, date(2022, 5, 4))])
    log = depeg_log(frame, DEPEG).collect()
    usdc = log.filter(pl.col("stablecoin_id") == "usdc")
    closed = usdc.row(-1, named=True)
    assert usdc["change"].to_list() == ["open", "close"]
    assert closed["start_day"] == closed["detected_day"] == date(2023, 3, 11)
    assert (closed["rule"], closed["severity"]) == ("fast", "minor")
    assert (closed["last_day_off"], closed["closed_day"]) == (date(2023, 3, 12), date(2023, 3, 14))
    assert round(closed["worst_bps"], 1) == -293.5
    ust = log.filter(pl.col("stablecoin_id") == "ust")
    newest = ust.row(-1, named=True)
    assert ust["event_key"].unique().to_list() == ["ust|2022-05-09"]
    assert "close" not in ust["change"].to_list(), "UST never came back"
    assert ust.row(0, named=True)["detected_day"] == date(2022, 5, 9)
    assert (round(newest["worst_bps"], 1), newest["severity"]) == (-9110.8, "severe")


def test_g16_slow_depeg_in_the_shape_of_usdd() -> None:
    """Forty days at -50 to -142 bps after two closes inside; opened by the third close."""
    dev = [-30.0, -40.0] + [-60.0 - 2 * i for i in range(20)] + [-142.1] + [-55.0] * 17
    dev = [*dev, -45.0, -20.0]
    dev = [max(value, -99.0) if i < 5 else value for i, value in enumerate(dev)]
    log = depeg_log(coin("usdd", [1 + d / 1e4 for d in dev], date(2023, 3, 20)), DEPEG).collect()
    opened, closed = log.row(0, named=True), log.row(-1, named=True)
    assert (opened["rule"], opened["change"], closed["change"]) == ("slow", "open", "close")
    assert opened["start_day"] == date(2023, 3, 22)
    assert opened["detected_day"] == opened["known_from_day"] == date(2023, 3, 24)
    assert round(closed["worst_bps"], 1) == -142.1
    assert closed["last_day_off"] == date(2023, 4, 28)
    assert closed["closed_day"] == date(2023, 4, 30)


def test_g17_thirty_day_volatility_of_btc() -> None:
    frame = risk.returns(closes(BTC, start=date(2020, 2, 14)))
    window = risk.Window(days=30, min_obs=24)
    daily = risk.volatility(frame, window=window, days_per_year=None).collect()
    expected = {
        date(2020, 3, 15): 0.0949972531777936,
        date(2020, 3, 16): 0.0952654366021651,
        date(2020, 3, 17): 0.096906042703561,
        date(2020, 3, 18): 0.0969382370376138,
    }
    actual = dict(daily.select("day", "vol_30d").iter_rows())
    for day, value in expected.items():
        assert abs(actual[day] - value) < 1e-14, f"{day}: {actual[day]} is not {value}"
    annual = risk.volatility(frame, window=window, days_per_year=365).collect()
    assert round(dict(annual.select("day", "vol_30d_ann").iter_rows())[date(2020, 3, 15)], 4) == (
        1.8149
    )


def test_g17_on_the_whole_recorded_history_of_btc(shared_data: Path) -> None:
    """Coin Metrics' own column on 9 years of its own prices."""
    path = shared_data / "coinmetrics_vintages" / "v2020-01-03__btc.csv"
    with path.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["PriceUSD"]]
    frame = pl.LazyFrame(
        {
            "asset_id": ["btc"] * len(rows),
            "day": [date.fromisoformat(row["date"][:10]) for row in rows],
            "close_usd": [float(row["PriceUSD"]) for row in rows],
            "published": [float(row["VtyDayRet30d"] or "nan") for row in rows],
        }
    )
    window = risk.Window(days=30, min_obs=30)
    result = risk.volatility(risk.returns(frame), window=window, days_per_year=None).collect()
    both = result.filter(pl.col("published").is_not_null() & pl.col("vol_30d").is_not_null())
    gap = (both["published"] - both["vol_30d"]).abs().max()
    assert both.height > 3000
    assert isinstance(gap, float)
    assert gap < 1e-9, f"the largest difference from the published column is {gap}"
