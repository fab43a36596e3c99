"""A wick at one venue, seen from the end: it moves no price, no grade, no signal and no alert.

Twins tell: two assets with the same candles at three venues, one of which has a single close at
0.65 of the others at one venue, as USDe had on 2025-10-10. What is made of both must be the same.
"""

# the queries are made of constants
from __future__ import annotations

import math
import random
from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, constant, dollars

DAYS = days("2025-07-01", 125)
WICK = DAYS[115]
VENUES = (("binance", "{}USDT", "USDT"), ("coinbase", "{}-USD", "USD"), ("kraken", "{}USD", "USD"))
CALM, STRUCK = "uniswap", "aave"
COLUMNS = {
    "price_daily": "close_usd",
    "ohlcv_daily": "open_usd, high_usd, low_usd, close_usd",
    "returns_risk_daily": "ret_1d, vol_30d_ann, drawdown_frac",
    "technical_daily": "rsi_14, atr_14, donch_pos, volume_z_30d, cross_12_26",
    "trader_grade_daily": "trader_grade, ta_grade, quant_grade, flow_grade, grade_change_1d",
    "signal_daily": "signal, signal_reason",
}


def walk(seed: int, start: float) -> dict[Any, Any]:
    draw, close, bars = random.Random(seed), start, {}
    for day in DAYS:
        opened, close = close, round(close * math.exp(draw.gauss(0.001, 0.03)), 6)
        bars[day] = {
            "close": close,
            "open": opened,
            "high": round(max(opened, close) * 1.01, 6),
            "low": round(min(opened, close) * 0.99, 6),
        }
    return bars


def struck(bars: dict[Any, Any]) -> dict[Any, Any]:
    """Return the bars with a close at 0.65 of what it was on one day."""
    close = round(0.65 * bars[WICK]["close"], 6)
    low = round(0.64 * bars[WICK]["close"], 6)
    return bars | {WICK: bars[WICK] | {"close": close, "low": low}}


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    town.add("binance", "BTCUSDT", "BTC", "USDT", constant(DAYS, 40_000.0), volume_usd=5e7)
    twin = walk(5, 20.0)
    dollar = {day: {"close": 1.0, "open": 1.0, "high": 1.001, "low": 0.999} for day in DAYS}
    listed = {"UNI": (twin, False), "AAVE": (twin, True), "USDE": (dollar, True)}
    for number, code in enumerate(("SOL", "ADA", "AVAX", "LTC")):
        listed[code] = (walk(10 + number, 10.0), False)
    for code, (bars, is_struck) in listed.items():
        for venue, symbol, quote in VENUES:
            at_venue = struck(bars) if is_struck and venue == "binance" else bars
            town.add(venue, symbol.format(code), code, quote, at_venue, volume_usd=3e6)
    town.land(shared_box)
    marts = " ".join(f"+{mart}" for mart in (*COLUMNS, "venue_quality_daily"))
    shared_box.run(f"{marts} +stablecoin_peg_daily +depeg_event +alert +signal_event")
    return shared_box


def test_the_wick_is_there_and_rejected(box: LakeBox) -> None:
    """F-1: without this the twins would prove nothing."""
    rows = box.query(
        "select asset_id, venue_id, exclusion_reason, round(dev_bps) "
        "from marts.venue_quality_daily where not is_accepted and exclusion_reason like 'outlier%' "
        "order by 1"
    )
    assert rows == [
        (STRUCK, "binance", "outlier", -3500.0),
        ("ethena-usde", "binance", "outlier", -3500.0),
    ]


@pytest.mark.parametrize("mart", COLUMNS)
def test_twins_are_told_the_same(box: LakeBox, mart: str) -> None:
    told = {
        asset: box.query(
            f"select day, {COLUMNS[mart]} from marts.{mart} where asset_id = '{asset}' order by day"
        )
        for asset in (CALM, STRUCK)
    }
    assert len(told[CALM]) > 0, f"{mart} has nothing to compare"
    assert any(row[1] is not None for row in told[CALM] if row[0] >= WICK), mart
    different = [
        (calm, other)
        for calm, other in zip(*told.values(), strict=True)
        # windows over the same numbers may differ in the last digit
        if not all(
            one == two if one is None or isinstance(one, str | date) else one == pytest.approx(two)
            for one, two in zip(calm, other, strict=True)
        )
    ]
    assert different == [], f"{mart} differs after a wick that was rejected"


def test_no_alert_speaks_of_the_wick(box: LakeBox) -> None:
    """A-53 to A-55: the twins have the same alerts and events, the coin has none."""
    alerts: dict[str, list[Any]] = {
        asset: box.query(
            f"select day, kind, severity from marts.alert where entity_id = '{asset}' order by all"
        )
        for asset in (CALM, STRUCK, "ethena-usde")
    }
    assert alerts[STRUCK] == alerts[CALM]
    assert [row for row in alerts["ethena-usde"] if row[0] >= WICK] == []
    events = {
        asset: box.query(
            "select day, from_signal, to_signal from marts.signal_event "
            f"where asset_id = '{asset}' order by all"
        )
        for asset in (CALM, STRUCK)
    }
    assert events[STRUCK] == events[CALM]


def test_the_coin_keeps_its_peg(box: LakeBox) -> None:
    """C.13: USDe at 0.65 on one venue is less than 100 bps off, and no event opens."""
    [(deviation,)] = box.query(
        "select max(abs(dev_bps)) from marts.stablecoin_peg_daily "
        "where stablecoin_id = 'ethena-usde' and dev_bps is not null"
    )
    assert deviation < 100
    assert box.query("select * from marts.depeg_event where stablecoin_id = 'ethena-usde'") == []
