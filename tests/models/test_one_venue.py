"""One recorded exchange is enough: Binance's USDT markets alone, without any price of a dollar."""

# the queries are made of constants
from __future__ import annotations

import itertools
import math
import random
import statistics
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market

DAYS = days("2021-01-01", 150)
FALL, AFTER, BACK = DAYS[120:123]
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
    for code, opens in (("FIL", 28.0), ("ZEC", 40.0)):
        calm = {day: 40 * 1.01 ** (day.day % 2) for day in DAYS}
        town.add(
            "binance",
            f"{code}USDT",
            code,
            "USDT",
            calm | {FALL: {"close": 28.0, "open": 40.0}, AFTER: {"close": 40.0, "open": opens}},
            volume_usd=2e7,
        )
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
        "where asset_id != 'tether' and price_quality != 'unconfirmed'"
    )
    assert rows == [("single_venue", "single_venue", "parity")]


def test_bitcoin_needs_no_second_market_to_be_looked_at(box: LakeBox) -> None:
    members = box.query(
        f"select asset_id from marts.dim_universe_membership where day = '{DAYS[-1]}' and is_member"
    )
    assert {"bitcoin", "ethereum"} <= {row[0] for row in members}
    assert len(members) == len(CODES) + 2


def test_most_pairs_have_a_grade_a_signal_and_a_plan(box: LakeBox) -> None:
    last = f"where day = '{DAYS[-1]}'"
    grades = one(box, f"select count(trader_grade) from marts.trader_grade_daily {last}")
    signals = one(box, f"select count(signal) from marts.signal_daily {last}")
    plans = one(box, "select count(distinct asset_id) from marts.risk_plan_daily")
    assert grades >= 0.8 * len(CODES), "grades"
    assert signals >= 0.8 * len(CODES), "signals"
    assert plans >= 0.8 * len(CODES), "plans"


def test_a_fall_that_the_next_day_wins_back_was_a_fall(box: LakeBox) -> None:
    """Its next day opens where it closed; the bad print of another one is gone by then."""
    for asset, verdict, moved in (("filecoin", "confirmed", -0.36), ("zcash", "refuted", 0.0)):
        rows = box.query(
            "select p.price_quality, p.prior_close_verdict, round(r.logret_1d, 1) "
            "from marts.price_daily as p inner join intermediate.int_asset_return_daily as r "
            "on p.asset_id = r.asset_id and p.day = r.day "
            f"where p.asset_id = '{asset}' and p.day in ('{FALL}', '{AFTER}') order by p.day"
        )
        assert rows[0] == ("unconfirmed", None, None), asset
        assert rows[1][1:] == (verdict, round(moved, 1)), asset


def test_a_confirmed_fall_is_in_the_risk_of_the_next_day(box: LakeBox) -> None:
    """It is no calm asset any more; a refuted print leaves the other one calm."""
    risk = dict(
        box.query(
            "select asset_id, vol_30d_ann from marts.returns_risk_daily "
            f"where asset_id in ('filecoin', 'zcash') and day = '{AFTER}'"
        )
    )
    assert risk["filecoin"] > 1.0
    assert risk["zcash"] < 0.3


def test_windows_have_the_fall_and_the_way_back_as_two_moves(box: LakeBox) -> None:
    """One of -36 % and one of +36 %, where the closes of the days around them differ little."""
    closes = box.query(
        "select close_usd, day from marts.price_daily where asset_id = 'filecoin' "
        f"and day between date '{BACK}' - 30 and '{BACK}' order by day"
    )
    moves = [math.log(later[0] / close[0]) for close, later in itertools.pairwise(closes)]
    (row,) = box.query(
        "select vol_30d_ann, max_drawdown_all from marts.returns_risk_daily "
        f"where asset_id = 'filecoin' and day = '{BACK}'"
    )
    assert row[0] == pytest.approx(statistics.stdev(moves) * math.sqrt(365), rel=1e-9)
    assert row[1] == pytest.approx(28 / 40.4 - 1, abs=1e-6)


def test_windows_stand_still_while_a_jump_waits(box: LakeBox) -> None:
    """What an error would have made of them is in no row, also not on its own day."""
    rows = box.query(
        "select vol_30d_ann, sharpe_90d, beta_btc_90d, es95_1d, max_drawdown_90d "
        "from marts.returns_risk_daily where asset_id = 'filecoin' "
        f"and day between date '{FALL}' - 1 and '{FALL}' order by day"
    )
    assert rows[0][0] is not None
    assert rows[0] == rows[1]
