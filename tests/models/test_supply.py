"""Concepts of supply, and market caps: CoinGecko, Coin Metrics."""

# the queries are made of constants
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars

DAYS = days("2020-08-01", 40)
SPLIT = date(2020, 8, 21)
SNAPSHOT = DAYS[10]
LAST = DAYS[-1]
# what unlocks every month until 2047, as schedules print it: facts and plans in one list
SCHEDULE = {
    date(2020 + number // 12, 1 + number % 12, 1): 100.0 + number for number in range(12 * 28)
}


def coin(coin_id: str, **supplies: Any) -> dict[str, Any]:
    return {"coin_id": coin_id, "symbol": coin_id[:3], "name": coin_id, **supplies}


def chart(coin_id: str, caps: dict[date, tuple[float, float | None]]) -> list[dict[str, Any]]:
    """Points as CoinGecko labels them: with the midnight that ends the day."""
    return [
        {
            "coin_id": coin_id,
            "label_time": day_start(day) + DAY,
            "price_usd": price,
            "market_cap_usd": cap,
        }
        for day, (price, cap) in caps.items()
    ]


def ledger(asset: str, supplies: dict[date, float]) -> list[dict[str, Any]]:
    return [
        {"asset": asset, "time": day_start(day), "metric": "SplyCur", "value": supply}
        for day, supply in supplies.items()
    ]


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    dot = {day: 300.0 if day < SPLIT else 3.0 for day in DAYS}
    prices = {"XRP": 0.5, "UNI": 4.0, "ADA": 0.1, "LTC": 50.0, "AAVE": 80.0, "XLM": 0.1}
    stories = {code: constant(DAYS, price) for code, price in prices.items()} | {"DOT": dot}
    for code, closes in stories.items():
        town.add("coinbase", f"{code}-USD", code, "USD", closes)
        town.add("kraken", f"{code}USD", code, "USD", closes)
    town.land(shared_box)
    snapshot = {
        "uniswap": coin("uniswap", circulating_supply=600, total_supply=950, max_supply=1000),
        "cardano": coin("cardano", circulating_supply=35, total_supply=45, max_supply=None),
        # nothing can circulate that was never minted
        "aave": coin("aave", circulating_supply=20, total_supply=16, market_cap_usd=0),
        "polkadot": coin("polkadot", circulating_supply=10, total_supply=12),
    }
    # six hours after the midnight that ends the day; what is on file in the afternoon is the next
    # day's
    shared_box.load(
        "coingecko",
        {"markets": [*snapshot.values()]},
        fetched_at=day_start(SNAPSHOT) + DAY * 1.25,
        asked=[Asked("markets", "top 1000")],
    )
    shared_box.load(
        "coingecko",
        {"markets": [snapshot["uniswap"] | {"circulating_supply": 660}]},
        fetched_at=day_start(SNAPSHOT) + DAY * 1.75,
        asked=[Asked("markets", "top 1000")],
    )
    shared_box.load(
        "coingecko",
        {
            "market_chart": [
                *chart("uniswap", dict.fromkeys(DAYS[:13], (4.0, 4.0 * 500))),
                *chart("ripple", {DAYS[0]: (0.5, 25.0), DAYS[1]: (0.5, None), DAYS[2]: (0.5, 0.0)}),
                *chart("litecoin", {DAYS[0]: (50.0, 50.0 * 80)}),
                *chart("stellar", {day: (0.1, 0.1 * units) for day, units in SCHEDULE.items()}),
            ]
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("market_chart", "uniswap", day_start(DAYS[0]) + DAY, day_start(LAST) + DAY)],
    )
    shared_box.load(
        "coinmetrics",
        {
            "asset_metrics": [
                *ledger("xrp", constant(DAYS, 100.0)),
                *ledger("ltc", constant(DAYS, 66.0)),
            ]
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("asset_metrics", "ltc", day_start(DAYS[0]), day_start(LAST) + DAY)],
    )
    # what is written down has tests of its own
    shared_box.write_seed("asset_supply_curated")
    shared_box.run("+int_asset_mcap_daily")
    return shared_box


def supply(box: LakeBox, asset: str, column: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {column} from intermediate.int_asset_supply_daily "
            f"where asset_id = '{asset}'"
        )
    )


def test_a_midnight_label_is_the_day_that_ends_there(box: LakeBox) -> None:
    """The first point, labelled with the second day's first instant, is the first day's."""
    found = supply(box, "uniswap", "supply_circulating_native")
    assert min(found) == DAYS[0]
    assert found[DAYS[0]] == pytest.approx(500)


def test_a_snapshot_is_the_state_at_the_nearest_close(box: LakeBox) -> None:
    found = supply(box, "uniswap", "supply_circulating_native")
    around = [found[SNAPSHOT + timedelta(days=number)] for number in (-1, 0, 1)]
    assert around == pytest.approx([500, 600, 660]), "06:00 speaks for the day before, 18:00 not"


def test_a_supply_is_good_for_a_week_and_no_longer(box: LakeBox) -> None:
    found = supply(box, "cardano", "supply_circulating_staleness_d")
    assert found == {SNAPSHOT + timedelta(days=number): number for number in range(8)}
    total = supply(box, "cardano", "supply_total_native")
    assert set(total.values()) == {45.0}


def test_an_unlock_of_the_future_is_no_supply(box: LakeBox) -> None:
    """Where a schedule got into the lake: what was not over when it was fetched is no fact."""
    found = supply(box, "stellar", "supply_circulating_native")
    assert max(found) == date(2020, 9, 8), "good for a week after the unlock of 1 September"
    assert {round(units, 6) for units in found.values()} == {107.0, 108.0}
    assert box.query(
        "select count(*), max(label_time) from history.hist_coingecko__market_chart "
        "where coin_id = 'stellar'"
    ) == [(9, day_start(date(2020, 9, 2)))]


def test_the_present_supply_never_values_the_past(box: LakeBox) -> None:
    """Nothing is known of the largest supply before it was captured."""
    assert min(supply(box, "cardano", "supply_diluted_native")) == SNAPSHOT
    before = [
        row
        for row in box.query(
            "select day, fdv_usd from intermediate.int_asset_mcap_daily "
            f"where asset_id = 'uniswap' and day < '{SNAPSHOT}'"
        )
        if row[1] is not None
    ]
    assert before == []


def test_a_ledger_with_escrow_is_no_stand_in_for_what_circulates(box: LakeBox) -> None:
    rows = box.query(
        "select mcap_usd, mcap_onchain_usd from intermediate.int_asset_mcap_daily "
        f"where asset_id = 'ripple' and day in ('{DAYS[7]}', '{DAYS[8]}') order by day"
    )
    assert rows == [(25.0, 50.0), (None, 50.0)], "day 0's 50 units are good until day 7"


def test_where_nothing_is_held_back_the_ledger_says_what_circulates(box: LakeBox) -> None:
    rows = box.query(
        "select supply_circulating_native, supply_circulating_source, supply_second_native, "
        "is_supply_disputed from intermediate.int_asset_supply_daily "
        f"where asset_id = 'litecoin' and day in ('{DAYS[0]}', '{DAYS[20]}') order by day"
    )
    assert rows == [
        (66.0, "coinmetrics.asset_metrics", 80.0, True),
        (66.0, "coinmetrics.asset_metrics", None, None),
    ], "80 units against 66 is a dispute; where one source speaks there is none to tell"


def test_without_a_largest_supply_the_total_dilutes(box: LakeBox) -> None:
    rows = box.query(
        "select asset_id, fdv_usd, fdv_basis, float_frac from intermediate.int_asset_mcap_daily "
        f"where day = '{SNAPSHOT}' and asset_id in ('uniswap', 'cardano') order by 1"
    )
    assert [row[:3] for row in rows] == [("cardano", 4.5, "total"), ("uniswap", 4000.0, "max")]
    assert [row[3] for row in rows] == pytest.approx([35 / 45, 0.6])


def test_more_than_there_can_be_is_a_contradiction_and_no_value(box: LakeBox) -> None:
    """20 circulate of 16."""
    assert supply(box, "aave", "is_supply_contradictory")[SNAPSHOT] is True
    assert supply(box, "aave", "supply_diluted_native")[SNAPSHOT] is None


def test_a_supply_carried_over_a_change_of_units_changes_with_it(box: LakeBox) -> None:
    """A hundredfold on the day; the market cap does not notice."""
    rows = box.query(
        "select day, mcap_usd from intermediate.int_asset_mcap_daily "
        "where asset_id = 'polkadot' and mcap_usd is not null order by day"
    )
    assert [day for day, _ in rows] == days(f"{SNAPSHOT}", 8)
    assert {round(value, 6) for _, value in rows} == {3000.0}


@pytest.mark.slow
def test_nothing_landed_is_nothing_known(lake_box: LakeBox) -> None:
    lake_box.run("+int_asset_mcap_daily")
    assert lake_box.query("select count(*) from intermediate.int_asset_mcap_daily") == [(0,)]
    assert lake_box.query("select count(*) from intermediate.int_asset_supply_daily") == [(0,)]
