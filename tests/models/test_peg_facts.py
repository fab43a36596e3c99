"""What is on record about pegs, from candles with the published closes to the depeg log."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, constant, dollars

# Coin Metrics' closes
USDC = dict(
    zip(days("2023-03-09", 6), (1.00001, 0.99672, 0.97065, 0.99183, 0.99886, 0.99946), strict=True)
)
UST = dict(
    zip(
        days("2022-05-07", 7),
        (0.9939, 0.9952, 0.8206, 0.7878, 0.7636, 0.3715, 0.1251),
        strict=True,
    )
)
# USDD in the spring of 2023: Coin Metrics' closes are not to hand, their story is. The coin
# whose markets tell it here is TUSD: events look at closes and not at names
USDD = {
    day: 1 + bps / 1e4
    for day, bps in zip(
        days("2023-03-09", 56),
        [-20, -45, -280.1, -210, -150, -80, -40, -30, *[-35] * 5]
        + [-55 - 2 * number for number in range(39)]
        + [-142.1, -45, -40, -10],
        strict=True,
    )
}
MARKET_DAYS = [*days("2022-05-01", 13), *days("2023-03-01", 64), *days("2025-10-05", 8)]
TETHER_DIP, WICK = date(2022, 5, 12), date(2025, 10, 10)


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, [day for day in MARKET_DAYS if day != TETHER_DIP])
    for venue, market in (("coinbase", "USDT-USD"), ("kraken", "USDTUSD")):
        town.candles[venue] += _candles(venue, market, {TETHER_DIP: 0.998}, low=0.95)
    for venue, market in (("coinbase", "BTC-USD"), ("kraken", "XBTUSD")):
        town.candles[venue] += _candles(venue, market, {TETHER_DIP: 40_000.0})
    for venue, market in (("kraken", "USDCUSD"), ("bitstamp", "usdcusd")):
        town.add(venue, market, "USDC", "USD", USDC, volume_usd=5e7)
    for venue, market in (("coinbase", "UST-USD"), ("kraken", "USTUSD")):
        town.add(venue, market, "UST", "USD", UST, volume_usd=5e7)
    for venue, market in (("coinbase", "TUSD-USD"), ("kraken", "TUSDUSD")):
        town.add(venue, market, "TUSD", "USD", USDD, volume_usd=5e7)
    calm = constant(days("2025-10-05", 8), 0.9995)
    for venue, market, base in (("coinbase", "USDE-USD", "USDE"), ("kraken", "USDEUSD", "USDE")):
        town.add(venue, market, base, "USD", calm, volume_usd=5e6)
    town.add("binance", "USDEUSDT", "USDE", "USDT", calm | {WICK: 0.65}, volume_usd=5e7)
    town.land(shared_box)
    shared_box.run("+depeg_event")
    return shared_box


def _candles(venue: str, market: str, closes: dict[date, float], **common: Any) -> list[Any]:
    other = Market()
    other.add(venue, market, "X", "USD", closes, volume_usd=5e7, **common)
    return other.candles[venue]


def events(box: LakeBox, name: str) -> list[tuple[Any, ...]]:
    return box.query(
        "select start_day, detected_day, detection_rule, round(worst_bps, 1), last_day_off,"
        f" closed_day from marts.depeg_event where stablecoin_id = '{name}' order by start_day"
    )


def test_g16_usdc_of_march_2023(box: LakeBox) -> None:
    eleventh = date(2023, 3, 11)
    assert events(box, "usd-coin") == [
        (eleventh, eleventh, "fast", -293.5, date(2023, 3, 12), date(2023, 3, 14))
    ]


def test_g16_ust_never_comes_back(box: LakeBox) -> None:
    ninth = date(2022, 5, 9)
    assert events(box, "terrausd") == [(ninth, ninth, "fast", -8749.0, date(2022, 5, 13), None)]


def test_g16_both_events_in_the_shape_of_usdd(box: LakeBox) -> None:
    """A fast one and, a week later, forty days that only the slow rule sees."""
    fast, slow = date(2023, 3, 11), date(2023, 3, 22)
    assert events(box, "true-usd") == [
        (fast, fast, "fast", -280.1, date(2023, 3, 14), date(2023, 3, 16)),
        (slow, date(2023, 3, 24), "slow", -142.1, date(2023, 4, 30), date(2023, 5, 2)),
    ]


def test_a_low_alone_opens_nothing(box: LakeBox) -> None:
    """USDT of 2022-05-12: 0.95 within the day, 0.998 at its end."""
    assert events(box, "tether") == []
    [(low, close)] = box.query(
        "select round(dev_low_bps), round(dev_bps) from intermediate.int_stablecoin_peg_daily "
        f"where stablecoin_id = 'tether' and day = '{TETHER_DIP}'"
    )
    assert (low, close) == (-500, -20)


def test_a_wick_at_one_venue_opens_nothing(box: LakeBox) -> None:
    """USDe of 2025-10-10: 0.65 on Binance, at the peg elsewhere."""
    assert events(box, "ethena-usde") == []
    [(any_low, close)] = box.query(
        "select round(dev_any_low_bps), abs(dev_bps) < 100"
        " from intermediate.int_stablecoin_peg_daily "
        f"where stablecoin_id = 'ethena-usde' and day = '{WICK}'"
    )
    assert close
    assert any_low <= -3000
