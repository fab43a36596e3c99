"""Supply and peg of stablecoins, from DefiLlama's rows to the marts."""

# the queries are made of constants
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars

DAYS = days("2024-03-01", 35)
LAST = DAYS[-1]
# since this label a day's price is its last and no longer its first
LAST_PRICE_FROM = date(2024, 6, 10)


def coin(number: str, name: str, gecko_id: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "stablecoin_id": number,
        "name": name,
        "symbol": name.upper(),
        "gecko_id": gecko_id,
        "peg_type": "peggedUSD",
        "peg_mechanism": "fiat-backed",
        "is_delisted": False,
        "is_yield_bearing": False,
        "circulating_usd": 1_000_000,
    } | changes


def balances(number: str, supply: dict[date, float], chain: str = "__total__") -> list[Any]:
    """Return what the source tells under each label."""
    return [
        {
            "stablecoin_id": number,
            "chain": chain,
            "day_time": day_start(label),
            "circulating": amount,
        }
        for label, amount in supply.items()
    ]


def closes(number: str, supply: dict[date, float], chain: str = "__total__") -> list[Any]:
    """Return the same of what stood at the end of each day: its label is the midnight after."""
    return balances(number, {day + DAY: amount for day, amount in supply.items()}, chain)


def references(gecko_id: str, prices: dict[date, float]) -> list[Any]:
    """Return the source's prices at the end of each day, labelled as it did then."""
    return [
        {
            "gecko_id": gecko_id,
            "day_time": day_start(day if day >= LAST_PRICE_FROM else day + DAY),
            "price": price,
        }
        for day, price in prices.items()
    ]


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS, tether=0.999)
    town.add("kraken", "XBTEUR", "XBT", "EUR", constant(DAYS, 32_000.0), volume_usd=5e7)
    for venue, symbol in (("coinbase", "EURC-USD"), ("kraken", "EURCUSD")):
        town.add(venue, symbol, "EURC", "USD", constant(DAYS, 1.2375))
    town.land(shared_box)
    growing = {day: 1_000_000.0 + 1_000 * number for number, day in enumerate(DAYS)}
    hole = {day: amount for day, amount in growing.items() if day != DAYS[20]}
    shared_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [
                coin("1", "Tether", "tether"),
                coin("5", "Dai", "dai", peg_mechanism="crytpo-backed"),
                coin("50", "EURC", "euro-coin", peg_type="peggedEUR"),
                # a number that the seeds know as another coin: CoinGecko's id decides
                coin("3", "Unlike", "unlike-anything", peg_mechanism="magic-backed"),
                coin("900", "Ended", None, dead_from=f"{DAYS[10]}"),
            ],
            "balances": [
                *closes("1", hole),
                *closes("5", constant(DAYS, 500_000.0)),
                *closes("50", constant(DAYS, 100_000.0)),
                *closes("3", constant(DAYS, 10.0)),
                *closes("900", constant(DAYS, 10.0)),
            ],
            "prices": references("dai", constant(DAYS, 0.98)),
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("stablecoins"), Asked("prices", "*", day_start(DAYS[0]), day_start(LAST))],
    )
    shared_box.run("*")
    return shared_box


def supply(box: LakeBox, coin_id: str, column: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {column} from marts.stablecoin_supply_daily "
            f"where stablecoin_id = '{coin_id}' order by day"
        )
    )


def peg(box: LakeBox, coin_id: str, columns: str) -> tuple[Any, ...]:
    [row] = box.query(
        f"select {columns} from marts.stablecoin_peg_daily "
        f"where stablecoin_id = '{coin_id}' and day = '{LAST}'"
    )
    return row


def test_supply_at_market_and_at_par(box: LakeBox) -> None:
    """The market says 0.999, the promise is a dollar."""
    assert supply(box, "tether", "supply_usd")[LAST] == pytest.approx(1_034_000 * 0.999)
    assert supply(box, "tether", "supply_par_usd")[LAST] == 1_034_000


def test_net_mint_needs_both_ends(box: LakeBox) -> None:
    """A missing day leaves NULL, at its own day and wherever it is an end."""
    minted = supply(box, "tether", "net_mint_1d_usd")
    assert [day for day, value in minted.items() if value is None] == [
        DAYS[0],
        DAYS[20],
        DAYS[21],
    ]
    assert minted[LAST] == 1_000
    assert supply(box, "tether", "net_mint_7d_usd")[DAYS[27]] is None
    assert supply(box, "tether", "net_mint_30d_usd")[LAST] == 30_000
    assert list(minted) == DAYS, "the calendar of a coin has no holes"


def test_shares_are_of_dollar_coins(box: LakeBox) -> None:
    """The euro coin has none; the others' are parts of one whole."""
    shares = {
        coin_id: supply(box, coin_id, "share_frac")[LAST]
        for coin_id in ("tether", "dai", "euro-coin")
    }
    assert shares["euro-coin"] is None
    assert shares["tether"] == pytest.approx(1_034_000 / 1_534_010)
    assert supply(box, "tether", "supply_rank")[LAST] == 1
    assert supply(box, "dai", "supply_rank")[LAST] == 2


def test_a_coin_without_markets_is_priced_by_its_source(box: LakeBox) -> None:
    """The reference price shows the deviation, but opens no depeg event."""
    assert peg(box, "dai", "price_usd, price_source, price_quality, is_eligible") == (
        0.98,
        "reference",
        "missing",
        False,
    )
    assert peg(box, "dai", "dev_bps")[0] == pytest.approx(-200)
    assert peg(box, "dai", "time_off_peg_30d_frac") == (1.0,)
    assert peg(box, "dai", "dev_vol_30d_bps")[0] == pytest.approx(0, abs=1e-9)


def test_a_coin_with_venues_and_volume_may_open_an_event(box: LakeBox) -> None:
    price, source, quality, is_eligible = peg(
        box, "tether", "price_usd, price_source, price_quality, is_eligible"
    )
    assert (source, quality, is_eligible) == ("canonical", "stale", False) or (
        source,
        quality,
        is_eligible,
    ) == ("canonical", "thin", True)
    assert price == 0.999


def test_a_euro_coin_is_held_against_the_implied_euro(box: LakeBox) -> None:
    """Bitcoin costs 40,000 dollars and 32,000 euros, so the euro is at 1.25."""
    ref, value, deviation = peg(box, "euro-coin", "ref_price_usd, peg_value_usd, dev_bps")
    assert (ref, value) == (1.25, 1.25)
    assert deviation == pytest.approx(1e4 * (1.2375 / 1.25 - 1))


def test_a_number_that_another_coin_has_in_the_seeds_is_not_that_coin(box: LakeBox) -> None:
    """DefiLlama's 3 is UST in the seeds; here CoinGecko's id says that it is not."""
    assert box.query(
        "select asset_id, mechanism, name from marts.dim_stablecoin "
        "where stablecoin_id = 'defillama-3'"
    ) == [(None, None, "Unlike")]
    assert supply(box, "defillama-3", "circulating_native")[LAST] == 10


def test_a_dead_coin_stops(box: LakeBox) -> None:
    assert max(supply(box, "defillama-900", "circulating_native")) == DAYS[9]


def test_words_that_nobody_knows_are_reported(box: LakeBox) -> None:
    """F-16: a misspelt mechanism is mapped and counted, an unknown one is listed."""
    found = dict(
        box.query(
            "select check_name, detail from marts.ops_check_result "
            "where check_name like '%peg_mechanism'"
        )
    )
    assert found["misspelt_peg_mechanism"] == "dai crytpo-backed"
    assert "defillama-3 magic-backed" in found["unknown_peg_mechanism"]


@pytest.mark.slow
def test_every_data_test_holds_on_it(box: LakeBox) -> None:
    box.dbt("test", "--exclude", "test_type:unit")


def test_gold_that_nobody_follows_is_listed_all_the_same(box: LakeBox) -> None:
    assert box.query(
        "select peg_ref, units_per_token, source_status from marts.dim_stablecoin "
        "where stablecoin_id in ('pax-gold', 'digix-gold') order by 1 desc"
    ) == [("XAU_OZT", 1.0, "no_source"), ("XAU_G", 1.0, "no_source")]
