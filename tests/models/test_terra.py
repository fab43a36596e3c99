"""May 2022 on two venues that disagree: reported on the first day, never forgotten, one worst."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, dollars

DAYS = days("2022-04-01", 50)
VENUES = ("coinbase", "kraken")
# the first venue delists after the 12th, the second after the 17th
UST = {
    8: (0.9934, 0.9921),
    9: (0.7934, 0.7510),
    10: (0.8000, 0.7600),
    11: (0.6200, 0.5800),
    12: (0.3600, 0.3450),
    13: (None, 0.1500),
    14: (None, 0.2000),
    15: (None, 0.1200),
    16: (None, 0.0350),
    17: (None, 0.0348),
}
LUNA = {
    8: (64.1, 64.2),
    9: (30.5, 31.4),
    10: (17.4, 17.6),
    11: (1.0699, 1.0750),
    12: (0.0021, 0.0022),
}
CALM = 0.048


def may(day: int) -> date:
    return date(2022, 5, day)


def add(town: Market, code: str, closes: dict[date, tuple[float | None, ...]]) -> None:
    for number, venue in enumerate(VENUES):
        symbol = f"{code}-USD" if venue == "coinbase" else f"{code}USD"
        own = {day: pair[number] for day, pair in closes.items() if number < len(pair)}
        if any(own.values()):
            town.add(venue, symbol, code, "USD", own, volume_usd=3e7)


def swinging(price: float) -> dict[date, tuple[float, float]]:
    """Closes that go up and down by the same step, so that the deviation is that step."""
    swung = {day: price * (1 + CALM) ** (number % 2) for number, day in enumerate(DAYS)}
    return {day: (close, close) for day, close in swung.items()}


def fallen(closes: dict[date, Any], day: date, fall: float) -> dict[date, Any]:
    return {
        at: tuple(close * (1 - fall if at >= day else 1) for close in pair)
        for at, pair in closes.items()
    }


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    before = {day: (1.0002, 0.9999) for day in DAYS if day < may(8)}
    add(town, "UST", before | {may(day): pair for day, pair in UST.items()})
    calm = {day: (80.0 + day.day % 3, 80.1 + day.day % 3) for day in DAYS if day < may(8)}
    add(town, "LUNA", calm | {may(day): pair for day, pair in LUNA.items()})
    # listed ten days before it falls
    young = {day: pair for day, pair in swinging(10).items() if day >= may(1)}
    add(town, "ATOM", fallen(young, may(11), 0.6))
    # nobody trades it for three days
    halted = fallen(swinging(50), may(13), 0.5)
    add(town, "SOL", {day: pair for day, pair in halted.items() if not 10 <= day.day <= 12})
    # three deviations of the day before, not of its own: a step down and 11 % more
    add(town, "DOT", fallen(swinging(20), may(11), 0.11))
    # one venue, one print
    alone = {day: pair[:1] for day, pair in swinging(7).items()}
    alone[may(11)] = (1.4,)
    add(town, "LINK", alone)
    town.land(shared_box)
    shared_box.run("+stablecoin_risk_card +depeg_event +int_price_move_daily")
    return shared_box


def moves(box: LakeBox, asset: str) -> dict[date, tuple[float, date, bool]]:
    """Return the moves that are news: how far, since when, and whether that is confirmed."""
    rows = box.query(
        "select day, move_frac, before_day, is_confirmed from intermediate.int_price_move_daily"
        f" where asset_id = '{asset}' and abs(move_frac) >= threshold_frac"
    )
    return {day: (round(move, 2), before, sure) for day, move, before, sure in rows}


def test_the_depeg_opens_on_its_first_day_and_outlives_the_markets(box: LakeBox) -> None:
    log = box.query(
        "select known_from_day, change, round(worst_bps), start_day from marts.depeg_event_log"
        " where stablecoin_id = 'terrausd' order by 1"
    )
    assert log[0] == (may(9), "open", -2066, may(8))
    assert {change for _, change, _, _ in log[1:]} == {"worst"}
    assert log[-1][:3] == (may(17), "worst", -9652)
    [(state, last_off)] = box.query("select event_state, last_day_off from marts.depeg_event")
    assert (state, last_off) == ("open", may(17))


def test_the_worst_is_one_number(box: LakeBox) -> None:
    [worst] = box.query(
        "select round(event.worst_bps, 6), round(card.worst_bps, 6), round(card.worst_dev_bps, 6),"
        " (select round(min(dev_bps), 6) from marts.stablecoin_peg_daily"
        "  where stablecoin_id = 'terrausd')"
        " from marts.depeg_event as event"
        " inner join marts.stablecoin_risk_card as card"
        " on event.stablecoin_id = card.stablecoin_id"
    )
    assert worst == (-9652, -9652, -9652, -9652)


def test_the_peg_says_on_what_each_day_rests(box: LakeBox) -> None:
    rows = dict(
        box.query(
            "select day, evidence from marts.stablecoin_peg_daily"
            " where stablecoin_id = 'terrausd' and day between '2022-05-08' and '2022-05-17'"
        )
    )
    assert rows == {
        may(day): "multi_venue" if first else "single_venue" for day, (first, _) in UST.items()
    }


def test_a_crash_on_both_venues_is_news_on_each_of_its_days(box: LakeBox) -> None:
    found = moves(box, "terra-luna")
    assert list(found) == [may(day) for day in LUNA]
    assert found[may(11)] == (-0.94, may(10), True)


def test_a_coin_that_is_too_young_for_a_deviation_is_not_silent(box: LakeBox) -> None:
    assert list(moves(box, "cosmos")) == [may(11)]


def test_a_fall_during_a_halt_is_reported_when_it_ends(box: LakeBox) -> None:
    [(day, (move, since, is_confirmed))] = moves(box, "solana").items()
    assert (day, since, is_confirmed) == (may(13), may(9), True)
    assert move == pytest.approx(-0.5, abs=0.06)


def test_what_is_usual_does_not_contain_the_day_itself(box: LakeBox) -> None:
    [(day, (move, _, _))] = moves(box, "polkadot").items()
    assert (day, move) == (may(11), -0.15)


def test_one_print_on_one_venue_is_reported_as_unconfirmed(box: LakeBox) -> None:
    [(day, (_, _, is_confirmed))] = moves(box, "chainlink").items()
    assert (day, is_confirmed) == (may(11), False)
