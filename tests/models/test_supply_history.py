"""How far back market caps go: estimates and what is written down, where a free tier ends."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars
from tests.models.test_supply import chart

DAYS = days("2020-01-01", 120)
REACH = DAYS[60]
BEFORE = REACH - timedelta(days=1)
LAST = DAYS[-1]
PRICES = {"SOL": 10.0, "XRP": 0.5, "BNB": 20.0, "ADA": 0.1, "LTC": 50.0}


def estimated(asset: str, units: float, price: float, rate: float | None = None) -> list[Any]:
    """A label's cap is at the rate of the next label: the end of its day."""
    return [
        row
        for day in DAYS
        for row in (
            {
                "asset": asset,
                "time": day_start(day),
                "metric": "CapMrktEstUSD",
                "value": units * price,
            },
            {
                "asset": asset,
                "time": day_start(day) + DAY,
                "metric": "ReferenceRateUSD",
                "value": rate or price,
            },
        )
    ]


def ledger(asset: str, units: float) -> list[dict[str, Any]]:
    return [
        {"asset": asset, "time": day_start(day), "metric": "SplyCur", "value": units}
        for day in DAYS
    ]


def written(asset: str, concept: str, day: date, units: float, pace: str = "null") -> str:
    return (
        f"select '{asset}', '{concept}', date '{day}', {units}, {pace}, null, 'a source', null, 1"
    )


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    for code, price in PRICES.items():
        town.add("coinbase", f"{code}-USD", code, "USD", constant(DAYS, price))
        town.add("kraken", f"{code}USD", code, "USD", constant(DAYS, price))
    town.land(shared_box)
    reached = {
        coin: chart(coin, {day: (price, price * units) for day in DAYS if day >= REACH})
        for coin, price, units in (
            ("solana", 10.0, 505.0),
            ("ripple", 0.5, 600.0),
            ("binancecoin", 20.0, 150.0),
        )
    }
    shared_box.load(
        "coingecko",
        {"market_chart": [row for rows in reached.values() for row in rows]},
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("market_chart", "solana", day_start(REACH), day_start(LAST) + DAY)],
    )
    shared_box.load(
        "coinmetrics",
        {
            "asset_metrics": [
                *estimated("sol", 500.0, 10.0),
                # as much as the ledger has, escrow and all
                *estimated("xrp", 1000.0, 0.5),
                *ledger("xrp", 1000.0),
                # a coin of the same ticker
                *estimated("bnb", 150.0, 20.0, rate=2.0),
                *ledger("ltc", 66.0),
            ]
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("asset_metrics", "sol", day_start(DAYS[0]), day_start(LAST) + DAY)],
    )
    shared_box.write_seed(
        "asset_supply_curated",
        written("ripple", "circulating", DAYS[0], 590, "0.1"),
        written("ripple", "diluted", DAYS[0], 1000, "0"),
        written("cardano", "circulating", DAYS[5], 100),
        written("cardano", "circulating", DAYS[35], 130),
    )
    shared_box.run("+int_asset_mcap_daily")
    return shared_box


def reported(box: LakeBox, asset: str, column: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {column} from intermediate.int_asset_mcap_daily "
            f"where asset_id = '{asset}'"
        )
    )


@pytest.mark.parametrize("asset", ["solana", "ripple", "litecoin"])
def test_a_market_cap_does_not_break_where_a_free_tiers_reach_begins(
    box: LakeBox, asset: str
) -> None:
    caps = reported(box, asset, "mcap_usd")
    assert set(caps) == set(DAYS)
    assert caps[REACH] == pytest.approx(caps[BEFORE], rel=0.05)
    assert None not in caps.values()


def test_each_market_cap_says_what_it_counts(box: LakeBox) -> None:
    found = {
        asset: reported(box, asset, "mcap_basis") for asset in ("solana", "ripple", "litecoin")
    }
    assert {asset: (basis[BEFORE], basis[REACH]) for asset, basis in found.items()} == {
        "solana": ("estimated", "implied"),
        "ripple": ("schedule", "implied"),
        "litecoin": ("ledger", "ledger"),
    }


def test_the_estimate_is_a_second_witness_where_a_better_word_is_known(box: LakeBox) -> None:
    rows = box.query(
        "select supply_second_native, supply_second_source, is_supply_disputed "
        f"from intermediate.int_asset_supply_daily where asset_id = 'solana' and day = '{REACH}'"
    )
    assert rows == [(500.0, "coinmetrics.asset_metrics", False)]


def test_an_estimate_of_another_asset_is_not_believed(box: LakeBox) -> None:
    caps = reported(box, "binancecoin", "mcap_usd")
    assert min(caps) == REACH, "its rate is a tenth of the price: of a coin with the same ticker"


def test_a_dated_supply_goes_on_at_the_pace_known_by_then(box: LakeBox) -> None:
    """The point of day 35 tells nothing of day 20; afterwards it tells the pace."""
    units = reported(box, "cardano", "supply_circulating_native")
    assert min(units) == DAYS[5]
    assert [units[DAYS[n]] for n in (5, 20, 34, 35, 45)] == pytest.approx([100, 100, 100, 130, 140])
    assert reported(box, "ripple", "supply_circulating_native")[DAYS[10]] == pytest.approx(591)


def test_diluted_value_and_float_have_a_past_and_say_from_what(box: LakeBox) -> None:
    fdv = reported(box, "ripple", "fdv_usd")
    assert set(fdv.values()) == {500.0}
    assert set(reported(box, "ripple", "fdv_basis").values()) == {"schedule"}
    assert reported(box, "ripple", "float_frac")[REACH] == pytest.approx(0.6)
    assert set(reported(box, "litecoin", "fdv_basis").values()) == {"ledger"}


def test_what_is_written_down_is_near_to_what_was_recorded(shared_data: Any) -> None:
    """Curated points against market caps over prices, as CoinGecko exported them at the time."""
    import csv

    from tests.sources.test_curated_lists import seed

    folder = shared_data / "coingecko_exports_asardon"
    exports = {"chainlink": "link", "mantle": "mnt", "arbitrum": "arb"}
    compared = 0
    for asset_id, name in exports.items():
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            recorded = {row["snapped_at"][:10]: row for row in csv.DictReader(file)}
        for point in seed("asset_supply_curated"):
            row = recorded.get(point["day"])
            if point["asset_id"] != asset_id or point["concept"] != "circulating" or not row:
                continue
            if not float(row["market_cap"] or 0):
                continue
            units = float(row["market_cap"]) / float(row["price"])
            assert float(point["supply_native"]) == pytest.approx(units, rel=0.1), point
            compared += 1
    assert compared >= 4
