"""Reference rates of money and gold, and the pegs that are held against them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars
from tests.models.test_stablecoins import closes, coin, references

# from a Monday to the Tuesday two weeks later
DAYS = days("2024-03-04", 16)
LAST = DAYS[-1]
WORKING = [day for day in DAYS if day.weekday() < 5]
# an ounce at 2,000 dollars, a dollar at 4 zloty
OUNCE, ZLOTY, GRAMS = 2_000.0, 4.0, 31.1034768
THURSDAY, FRIDAY, SATURDAY, MONDAY = DAYS[3], DAYS[4], DAYS[5], DAYS[7]
# the euro is not set any more after the first Friday
LAST_SET = FRIDAY


def rates(currency: str, units: float, until: date = LAST) -> list[dict[str, Any]]:
    return [
        {"currency": currency, "day_time": day_start(day), "units_per_eur": units}
        for day in WORKING
        if day <= until
    ]


def gold(day: date, ounce: float = OUNCE) -> dict[str, Any]:
    """Return the price of the day, as published on the next working day."""
    published = next(other for other in [*WORKING, LAST + DAY] if other > day)
    return {
        "metal": "XAU",
        "day_time": day_start(published),
        "pln_per_gram": round(ounce * ZLOTY / GRAMS, 9),
    }


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    # bitcoin says that a euro is worth 1.25, the ECB 1.1
    town.add("kraken", "XBTEUR", "XBT", "EUR", constant(DAYS, 32_000.0), volume_usd=5e7)
    town.add("kraken", "ADAEUR", "ADA", "EUR", constant(DAYS, 1.0), volume_usd=5e6)
    # off by 3 % on the first Thursday and Friday, and by 5 % while London sleeps
    token = constant(DAYS, OUNCE) | {
        THURSDAY: OUNCE * 0.97,
        FRIDAY: OUNCE * 0.96,
        SATURDAY: OUNCE * 0.90,
        DAYS[6]: OUNCE * 0.90,
    }
    for venue, symbol in (("coinbase", "PAXG-USD"), ("kraken", "PAXGUSD")):
        town.add(venue, symbol, "PAXG", "USD", token, volume_usd=5e6)
    town.land(shared_box)
    shared_box.load(
        "ecb",
        {"exchange_rates": [*rates("USD", 1.1, LAST_SET), *rates("JPY", 165.0, LAST_SET)]},
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[
            Asked("exchange_rates", code, day_start(DAYS[0]), day_start(LAST + DAY))
            for code in ("USD", "JPY")
        ],
    )
    shared_box.load(
        "gold",
        {
            "prices": [gold(day) for day in WORKING if day < LAST],
            "currency_rates": [
                {"currency": "USD", "day_time": day_start(day), "pln_per_unit": ZLOTY}
                for day in WORKING
            ],
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[
            Asked("prices", "XAU", day_start(DAYS[0]), day_start(LAST + DAY)),
            Asked("currency_rates", "USD", day_start(DAYS[0]), day_start(LAST + DAY)),
        ],
    )
    shared_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [
                coin("122", "GYEN", "gyen", peg_type="peggedJPY"),
                coin("156", "VNX Gold", "vnx-gold", peg_type="peggedXAU"),
            ],
            "balances": [
                *closes("122", constant(DAYS, 1_000.0)),
                *closes("156", constant(DAYS, 1_000.0)),
            ],
            "prices": [
                row
                for name, price in (("gyen", 0.0066), ("vnx-gold", OUNCE / GRAMS))
                for row in references(name, constant(DAYS, price))
            ],
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("stablecoins")],
    )
    shared_box.run("+stablecoin_peg_daily +depeg_event +price_daily +stablecoin_supply_daily")
    return shared_box


def peg(box: LakeBox, name: str, columns: str) -> dict[date, Any]:
    rows = box.query(
        f"select day, {columns} from marts.stablecoin_peg_daily "
        f"where stablecoin_id = '{name}' order by day"
    )
    return {row[0]: row[1] if len(row) == 2 else row[1:] for row in rows}


def test_a_quote_in_euro_is_converted_by_the_central_bank(box: LakeBox) -> None:
    """A euro is 1.1 dollars, not the 1.25 that bitcoin costs in it."""
    [(close,)] = box.query(
        f"select close_usd from marts.price_daily where asset_id = 'cardano' and day = '{FRIDAY}'"
    )
    assert close == pytest.approx(1.1)


def test_a_rate_stands_for_four_days_and_no_longer(box: LakeBox) -> None:
    """Friday's rate until Tuesday; from Wednesday on the markets say what a euro is."""
    found = dict(
        box.query(
            "select day, price_method from intermediate.int_quote_price_daily "
            "where asset_id = 'fiat-eur'"
        )
    )
    assert [found[FRIDAY + DAY * n] for n in range(6)] == ["reference_rate"] * 5 + ["market"]


def test_a_yen_coin_is_held_against_the_cross_rate(box: LakeBox) -> None:
    """1.1 dollars over 165 yen."""
    price, source, ref_day, deviation = peg(
        box, "gyen", "ref_price_usd, ref_source, ref_day, dev_bps"
    )[SATURDAY]
    assert price == pytest.approx(1.1 / 165)
    assert (source, ref_day) == ("ecb", FRIDAY)
    assert deviation == pytest.approx(1e4 * (0.0066 * 165 / 1.1 - 1))


def test_without_a_rate_there_is_no_deviation(box: LakeBox) -> None:
    """Ten days after the last rate nobody knows what a yen is worth."""
    assert peg(box, "gyen", "ref_price_usd, ref_source, dev_bps, is_eligible")[LAST] == (
        None,
        None,
        None,
        False,
    )


def test_gold_is_london_s_price_of_the_day_before_its_publication(box: LakeBox) -> None:
    """An ounce, and a gram of it."""
    ounce = peg(box, "pax-gold", "ref_price_usd, ref_day, dev_bps")[THURSDAY]
    assert ounce == (pytest.approx(OUNCE), THURSDAY, pytest.approx(-300))
    gram = peg(box, "vnx-gold", "ref_price_usd, dev_bps")[THURSDAY]
    assert gram == (pytest.approx(OUNCE / GRAMS), pytest.approx(0, abs=1e-3))


def test_on_weekends_a_deviation_is_measured_and_opens_nothing(box: LakeBox) -> None:
    """London's Friday says nothing about Saturday; NULL is neither yes nor no."""
    found = peg(box, "pax-gold", "round(dev_bps), is_eligible")
    assert found[FRIDAY] == (-400, True)
    assert found[SATURDAY] == (-1000, None)
    assert found[MONDAY] == (0, True)
    assert found[LAST] == (0, None), "the price of the newest day is not published yet"


def test_a_break_of_gold_is_known_when_london_s_price_is(box: LakeBox) -> None:
    """Thursday's became known on Friday, Friday's on Monday; the weekend is not in it."""
    log = box.query(
        "select known_from_day, change, start_day, round(worst_bps), round(worst_low_bps),"
        " closed_day from marts.depeg_event_log"
        " where stablecoin_id = 'pax-gold' order by known_from_day"
    )
    assert log == [
        (FRIDAY, "open", THURSDAY, -300, -300, None),
        (MONDAY, "worst", THURSDAY, -400, -400, None),
        # Monday opened where Sunday closed: a low, but no close
        (MONDAY + DAY, "worst", THURSDAY, -400, -1000, None),
        (MONDAY + 2 * DAY, "close", THURSDAY, -400, -1000, MONDAY + DAY),
    ]
