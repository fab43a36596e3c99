"""One recorded exchange is enough: Binance's USDT markets alone, without any price of a dollar."""

# the queries are made of constants
from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market

DAYS = days("2021-01-01", 150)
CODES = ("BTC", "ETH", "SOL", "ADA", "LTC", "LINK", "UNI", "AAVE", "DOT", "XLM", "ATOM", "AVAX")


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    for number, code in enumerate(CODES):
        draw, price, bars = random.Random(number), 100.0 * (number + 1), {}
        for day in DAYS:
            opened, price = price, price * math.exp(draw.gauss(0.002 * (number % 4 - 1), 0.03))
            bars[day] = {
                "close": round(price, 6),
                "open": round(opened, 6),
                "high": round(max(opened, price) * 1.01, 6),
                "low": round(min(opened, price) * 0.99, 6),
            }
        town.add("binance", f"{code}USDT", code, "USDT", bars, volume_usd=2e7)
    town.land(shared_box)
    shared_box.run(
        "+price_daily +dim_universe_membership +trader_grade_daily +signal_daily +risk_plan_daily"
    )
    return shared_box


def one(box: LakeBox, query: str) -> Any:
    [(value,)] = box.query(query)
    return value


def test_every_pair_has_a_price_that_says_what_it_rests_on(box: LakeBox) -> None:
    rows = box.query(
        "select distinct evidence, price_quality, quote_basis from marts.price_daily "
        "where asset_id != 'tether'"
    )
    assert rows == [("single_venue", "single_venue", "parity")]


def test_bitcoin_needs_no_second_market_to_be_looked_at(box: LakeBox) -> None:
    members = box.query(
        f"select asset_id from marts.dim_universe_membership where day = '{DAYS[-1]}' and is_member"
    )
    assert {"bitcoin", "ethereum"} <= {row[0] for row in members}
    assert len(members) == len(CODES)


def test_most_pairs_have_a_grade_a_signal_and_a_plan(box: LakeBox) -> None:
    last = f"where day = '{DAYS[-1]}'"
    grades = one(box, f"select count(trader_grade) from marts.trader_grade_daily {last}")
    signals = one(box, f"select count(signal) from marts.signal_daily {last}")
    plans = one(box, "select count(distinct asset_id) from marts.risk_plan_daily")
    assert grades >= 0.8 * len(CODES), "grades"
    assert signals >= 0.8 * len(CODES), "signals"
    assert plans >= 0.8 * len(CODES), "plans"
