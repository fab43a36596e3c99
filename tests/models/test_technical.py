"""Indicators, levels, universe and measures of risk, from candles in the lake to the marts."""

# the queries are made of constants
from __future__ import annotations

import math
import random
from datetime import date, timedelta
from statistics import mean, stdev
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, constant, dollars

DAYS = days("2020-05-15", 140)
SPLIT = date(2020, 8, 21)
HOLE = DAYS[100]

# StockCharts' closes, and what Wilder's index of them is
RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
    46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672,
    43.4205, 42.6628, 43.1314,
]  # fmt: skip
RSI_FIRST, RSI_LAST = 70.5328, 37.7730


def walk(seed: int, start: float) -> list[float]:
    draw = random.Random(seed)
    closes = [start]
    while len(closes) < len(DAYS):
        closes.append(round(closes[-1] * math.exp(draw.gauss(0, 0.03)), 6))
    return closes


ADA = walk(3, 10.0)
DOT = walk(5, 5000.0)


def bars(closes: list[float]) -> list[dict[str, Any]]:
    return [{"close": c, "open": c, "high": c * 1.02, "low": c * 0.98} for c in closes]


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    ada: dict[date, Any] = dict(zip(DAYS, bars(ADA), strict=True))
    ada[HOLE] = None
    units = [close if day < SPLIT else close / 100 for day, close in zip(DAYS, DOT, strict=True)]
    stories: dict[str, dict[date, Any]] = {
        "UNI": dict(zip(DAYS, RSI_CLOSES, strict=False)),
        "ADA": ada,
        "DOT": dict(zip(DAYS, bars(units), strict=True)),
        "ALGO": constant(DAYS, 2.0),
    }
    for code, closes in stories.items():
        town.add("coinbase", f"{code}-USD", code, "USD", closes, volume_usd=3e6)
        town.add("kraken", f"{code}USD", code, "USD", closes, volume_usd=3e6)
    town.add("coinbase", "LTC-USD", "LTC", "USD", constant(DAYS, 50.0), volume_usd=3e6)
    town.land(shared_box)
    marts = ("price", "technical", "levels", "returns_risk")
    shared_box.run(" ".join(f"+{mart}_daily" for mart in marts) + " +dim_universe_membership")
    return shared_box


def column(box: LakeBox, mart: str, name: str, asset: str) -> dict[date, Any]:
    return dict(box.query(f"select day, {name} from marts.{mart} where asset_id = '{asset}'"))


def test_the_golden_rsi_comes_out_of_the_mart(box: LakeBox) -> None:
    """Unknown before the 15th close, then Wilder's numbers."""
    rsi = column(box, "technical_daily", "rsi_14", "uniswap")
    assert rsi[DAYS[13]] is None
    assert rsi[DAYS[14]] == pytest.approx(RSI_FIRST, abs=1e-4)
    assert rsi[DAYS[32]] == pytest.approx(RSI_LAST, abs=1e-4)


def test_an_average_needs_all_its_days_and_an_exponential_one_survives_a_gap(box: LakeBox) -> None:
    sma = column(box, "technical_daily", "sma_20", "cardano")
    ema = column(box, "technical_daily", "ema_12", "cardano")
    assert sma[DAYS[99]] == pytest.approx(mean(ADA[80:100]), rel=1e-9)
    assert all(sma[DAYS[number]] is None for number in range(100, 120))
    assert sma[DAYS[120]] == pytest.approx(mean(ADA[101:121]), rel=1e-9)
    assert ema[HOLE] is None
    assert ema[DAYS[101]] == pytest.approx(
        ema[DAYS[99]] + 2 / 13 * (ADA[101] - ema[DAYS[99]]), rel=1e-9
    )


def test_a_redenomination_moves_no_indicator(box: LakeBox) -> None:
    """Averages go on in the new units, oscillators do not notice."""
    sma = column(box, "technical_daily", "sma_20", "polkadot")
    split = DAYS.index(SPLIT)
    assert sma[DAYS[split - 1]] == pytest.approx(mean(DOT[split - 20 : split]), rel=1e-9)
    assert sma[SPLIT] == pytest.approx(mean(DOT[split - 19 : split + 1]) / 100, rel=1e-9)
    natr = column(box, "technical_daily", "natr_14", "polkadot")
    around = [natr[day] for day in DAYS[split - 3 : split + 3]]
    assert max(value for value in around if value is not None) < 0.15
    assert natr[SPLIT] is not None


def test_a_constant_price_has_no_band_to_stand_in(box: LakeBox) -> None:
    rows = box.query(
        "select rsi_14, bb_pctb, donch_pos, tsmom_28 from marts.technical_daily "
        f"where asset_id = 'algorand' and day = '{DAYS[-1]}'"
    )
    assert rows == [(50.0, None, None, None)]


def test_levels_are_known_before_they_are_shown(box: LakeBox) -> None:
    """A swing is known five days after it, and never earlier."""
    early = box.query(
        "select * from marts.levels_daily where known_from_day > day "
        "or level_kind = 'swing' and last_swing_day + 5 > day"
    )
    assert early == []
    assert box.query("select count(*) from marts.levels_daily where level_kind = 'swing'")[0][0] > 9
    wrong = box.query(
        "select * from marts.technical_daily as t join marts.price_daily as p using (asset_id, day)"
        " where nearest_support_usd >= close_usd or nearest_resistance_usd <= close_usd"
    )
    assert wrong == []


def test_the_universe_says_why(box: LakeBox) -> None:
    """90 days of history; one venue is enough; no money."""
    ada = column(box, "dim_universe_membership", "membership_reason", "cardano")
    assert (ada[DAYS[88]], ada[DAYS[89]]) == ("young", "member")
    for asset, reason in (("litecoin", "member"), ("tether", "asset_class")):
        found = column(box, "dim_universe_membership", "membership_reason", asset)
        assert found[DAYS[-1]] == reason, asset
    ranks = box.query(
        "select universe_rank from marts.dim_universe_membership "
        f"where day = '{DAYS[99]}' and is_member order by 1"
    )
    assert [rank for (rank,) in ranks] == list(range(1, len(ranks) + 1))


def test_risk_is_that_of_plain_computations(box: LakeBox) -> None:
    """All further measures of risk on the window that ends before the hole."""
    last = DAYS[99]
    simple = [ADA[n] / ADA[n - 1] - 1 for n in range(1, 100)]
    found = box.query(
        "select sharpe_90d, sortino_90d, downside_dev_30d, parkinson_vol_ann, max_drawdown_all, "
        "sharpe_365d, var95_1d, cagr_all from marts.returns_risk_daily "
        f"where asset_id = 'cardano' and day = '{last}'"
    )[0]
    window = simple[-90:]
    fall = math.sqrt(mean(min(0.0, r) ** 2 for r in window))
    # a canonical bar holds its open, which is the close before
    ranges = [
        math.log(max(1.02 * ADA[n], ADA[n - 1]) / min(0.98 * ADA[n], ADA[n - 1])) ** 2
        for n in range(70, 100)
    ]
    peaks = [max(ADA[: n + 1]) for n in range(100)]
    expected = [
        mean(window) / stdev(window) * math.sqrt(365),
        mean(window) / fall * math.sqrt(365),
        math.sqrt(mean(min(0.0, r) ** 2 for r in simple[-30:])),
        math.sqrt(365 * mean(ranges) / (4 * math.log(2))),
        min(ADA[n] / peaks[n] - 1 for n in range(100)),
    ]
    assert list(found[:5]) == pytest.approx(expected, rel=1e-8)
    # younger than their windows
    assert found[5:] == (None, None, None)


def test_ewma_needs_thirty_returns_and_bitcoin_has_no_alpha(box: LakeBox) -> None:
    ewma = column(box, "returns_risk_daily", "ewma_vol_ann", "cardano")
    assert ewma[DAYS[29]] is None
    seed = stdev(math.log(ADA[n] / ADA[n - 1]) for n in range(1, 31)) * math.sqrt(365)
    assert ewma[DAYS[30]] == pytest.approx(seed, rel=1e-8)
    flat = column(box, "returns_risk_daily", "sharpe_90d", "algorand")
    assert set(flat.values()) == {None}


def test_no_mart_has_a_row_after_the_last_day(box: LakeBox) -> None:
    for mart in ("technical_daily", "levels_daily", "dim_universe_membership"):
        newest = box.query(f"select max(day) from marts.{mart}")[0][0]
        assert newest == DAYS[0] + timedelta(days=139), mart
