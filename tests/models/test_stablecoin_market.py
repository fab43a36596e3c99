"""Stablecoins by chain, all together, and what is ugly about them, from raw rows to the marts."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars
from tests.models.test_stablecoins import closes, coin, references

DAYS = days("2024-02-20", 45)
LAST = DAYS[-1]
# a chain is silent on one day; a coin is silent; a day is carried forward; decimals are wrong
HOLE, SILENT, CARRIED, WRONG = DAYS[20], DAYS[25], DAYS[35], DAYS[38]
BILLION = 1e9


def moving(start: float, step: float) -> dict[date, float]:
    return {day: start + step * number for number, day in enumerate(DAYS)}


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    town.land(shared_box)
    tether = {"Ethereum": moving(60 * BILLION, 1e7), "Tron": moving(40 * BILLION, 1e7)}
    del tether["Tron"][HOLE]
    dai = moving(5 * BILLION, 1e6)
    dai[CARRIED] = dai[CARRIED - DAY]
    usdc = moving(30 * BILLION, 1e7)
    del usdc[SILENT]
    small = moving(2e6, 1e3)
    negative = {**constant(DAYS, 1e6), WRONG: -5.0}
    absurd = {**constant(DAYS, 1e6), WRONG: 1e16}
    shared_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [
                coin("1", "Tether", "tether"),
                coin("2", "USD Coin", "usd-coin"),
                coin("5", "Dai", "dai", peg_mechanism="crypto-backed"),
                coin("14", "USDD", "usdd", peg_mechanism="algorithmic"),
                coin("901", "Small", None),
            ],
            "balances": [
                *(row for name, supply in tether.items() for row in closes("1", supply, name)),
                *closes("2", usdc),
                *closes("5", dai),
                *closes("14", constant(DAYS, 1e6)),
                *closes("901", small),
                *closes("901", negative, "Ethereum"),
                *closes("901", absurd, "Tron"),
            ],
            "prices": [
                row
                for name in ("usd-coin", "dai", "usdd")
                for row in references(name, constant(DAYS, 1.0))
            ],
            "charts": [
                {
                    "chain": "Tron",
                    "peg_type": "peggedUSD",
                    "day_time": day_start(day) + DAY,
                    "circulating": 1,
                    "circulating_usd": 1,
                    "unreleased": 0,
                    "minted_usd": 0,
                    "bridged_to_usd": 0,
                }
                for day in DAYS
            ],
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[Asked("stablecoins")],
    )
    metrics = [
        ("usdc", "TxTfrValAdjUSD", 3e9),
        ("ampl", "SplyCur", None),
        ("btc", "SplyCur", 19.6e6),
    ]
    shared_box.load(
        "coinmetrics",
        {
            "asset_metrics": [
                {
                    "asset": asset,
                    "time": day_start(day),
                    "metric": metric,
                    "value": value or 100e6 * 1.02**number,
                }
                for asset, metric, value in metrics
                for number, day in enumerate(DAYS)
            ]
        },
        fetched_at=day_start(LAST) + DAY * 1.25,
        asked=[],
    )
    shared_box.run(
        "+stablecoin_risk_card +stablecoin_market_daily +stablecoin_chain_daily "
        "+stablecoin_milestone +int_stablecoin_chart_daily +int_build_gate "
        "+stablecoin_market_daily_quality_suite"
    )
    return shared_box


def supply(box: LakeBox, name: str, column: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {column} from marts.stablecoin_supply_daily "
            f"where stablecoin_id = '{name}' order by day"
        )
    )


def chain(box: LakeBox, name: str, on: str, column: str) -> dict[date, Any]:
    return dict(
        box.query(
            f"select day, {column} from marts.stablecoin_chain_daily "
            f"where stablecoin_id = '{name}' and chain = '{on}' order by day"
        )
    )


def market(box: LakeBox, column: str) -> dict[date, Any]:
    return dict(box.query(f"select day, {column} from marts.stablecoin_market_daily order by day"))


def test_a_missing_chain_leaves_no_total_of_the_coin_nor_of_the_market(box: LakeBox) -> None:
    """40 % are missing, and the total is unknown, not smaller."""
    circulating = chain(box, "tether", "Tron", "circulating_native")
    assert [day for day, value in circulating.items() if value is None] == [HOLE]
    assert chain(box, "tether", "Ethereum", "chain_share_frac")[HOLE] is None
    assert supply(box, "tether", "circulating_native")[HOLE] is None
    assert supply(box, "tether", "is_partial")[HOLE]
    assert market(box, "total_supply_par_usd")[HOLE] is None
    assert market(box, "is_partial")[HOLE]
    assert supply(box, "tether", "circulating_native")[HOLE + DAY] is not None


def test_chains_make_the_total(box: LakeBox) -> None:
    """To the last digit."""
    broken = box.query(
        "with summed as ("
        " select stablecoin_id, day,"
        " sum(circulating_native) as native, sum(chain_share_frac) as one"
        " from marts.stablecoin_chain_daily group by all"
        ") select * from summed inner join marts.stablecoin_supply_daily as supply"
        " using (stablecoin_id, day) where stablecoin_id = 'tether' and not supply.is_partial"
        " and (native != supply.circulating_native or abs(one - 1) > 1e-12)"
    )
    assert broken == []
    share = (60 * BILLION + 1e7 * 44) / (100 * BILLION + 2e7 * 44)
    assert supply(box, "tether", "hhi_chain")[LAST] == pytest.approx(
        share**2 + (1 - share) ** 2, rel=1e-8
    )


def test_a_silent_coin_leaves_no_total_of_the_market(box: LakeBox) -> None:
    """A fifth of the market says nothing on one day."""
    total = market(box, "total_supply_par_usd")
    assert [day for day, value in total.items() if value is None] == [HOLE, SILENT]
    assert market(box, "net_mint_1d_usd")[SILENT + DAY] is None, "one end of it is unknown"
    assert market(box, "net_mint_1d_usd")[LAST] == pytest.approx(3.1e7, rel=1e-3)
    assert market(box, "dry_powder_chg_30d")[LAST] == pytest.approx(
        30 * (3e7 + 1e6 + 1e3) / total[LAST], rel=1e-6
    )


def test_a_day_that_the_source_carried_forward_is_reported(box: LakeBox) -> None:
    """A coin that moves daily stands still; one that never moves is not suspicious."""
    reported = supply(box, "dai", "is_extrapolated")
    assert [day for day, value in reported.items() if value] == [CARRIED]
    assert reported[DAYS[5]] is None, "too young to say"
    assert not any(supply(box, "usdd", "is_extrapolated").values())


def test_less_than_nothing_and_1e16_are_no_supply(box: LakeBox) -> None:
    """The chains' rows are quarantined; what was there the day before is missing."""
    for on in ("Ethereum", "Tron"):
        assert chain(box, "defillama-901", on, "circulating_native")[WRONG] is None
        wrong = chain(box, "defillama-901", on, "is_quarantined")
        assert [day for day, value in wrong.items() if value] == [WRONG]
    assert supply(box, "defillama-901", "circulating_native")[WRONG] is None


def test_what_rebases_has_a_rebase_and_no_depeg(box: LakeBox) -> None:
    """AMPL's supply grows by 2 % a day."""
    assert supply(box, "ampleforth", "rebase_frac")[LAST] == pytest.approx(0.02)
    assert supply(box, "ampleforth", "supply_source")[LAST] == "coinmetrics"
    assert supply(box, "tether", "rebase_frac")[LAST] is None
    eligible = box.query(
        "select count(*) from marts.stablecoin_peg_daily "
        "where stablecoin_id = 'ampleforth' and (is_eligible or dev_bps is not null)"
    )
    assert eligible == [(0,)]


def test_velocity_is_of_the_coins_whose_transfers_are_known(box: LakeBox) -> None:
    """30 days of 3 billion over the mean supply of USDC alone; too young, none."""
    found = market(box, "velocity_30d")
    past = [30 * BILLION + 1e7 * number for number in range(15, 45) if DAYS[number] != SILENT]
    assert found[LAST] == pytest.approx(90 * BILLION / (sum(past) / len(past)), rel=1e-9)
    assert found[DAYS[20]] is None


def test_the_supply_ratio_is_of_bitcoin(box: LakeBox) -> None:
    """19.6 million bitcoin at 40,000 dollars."""
    ratio, total = box.query(
        f"select ssr, total_supply_usd from marts.stablecoin_market_daily where day = '{LAST}'"
    )[0]
    assert ratio == pytest.approx(19.6e6 * 40_000 / total)
    assert market(box, "ssr_osc")[LAST] is None, "not before 160 days"


def test_one_house_is_one_risk(box: LakeBox) -> None:
    """Shares of issuers, squared."""
    par = {
        name: supply(box, name, "supply_par_usd")[LAST]
        for name in ("tether", "usd-coin", "dai", "usdd", "defillama-901")
    }
    total = sum(par.values())
    expected = sum((value / total) ** 2 for value in par.values())
    assert market(box, "hhi_issuer")[LAST] == pytest.approx(expected, rel=1e-6)


def test_a_mechanism_holds_from_its_day_on(box: LakeBox) -> None:
    """USDD was algorithmic for a month; the card tells what it is now."""
    intervals = box.query(
        "select valid_from, valid_to, mechanism, backing_asset_id, is_current "
        "from marts.dim_stablecoin where stablecoin_id = 'usdd' order by valid_from"
    )
    changed = date(2022, 6, 5)
    assert intervals == [
        (date(1970, 1, 1), changed, "algorithmic", "tron", False),
        (changed, None, "crypto_overcollateralised", None, True),
    ]
    assert box.query(
        "select mechanism, death_spiral_day_count "
        "from marts.stablecoin_risk_card where stablecoin_id = 'usdd'"
    ) == [("crypto_overcollateralised", None)]


def test_unknown_is_not_fresh_and_not_harmless(box: LakeBox) -> None:
    """Without a report there is no age; without a price no count of depegs."""
    assert box.query(
        "select attestation_age_d, depeg_count, is_depeg_open "
        "from marts.stablecoin_risk_card where stablecoin_id = 'digix-gold'"
    ) == [(None, None, None)]


def test_a_chain_with_more_coins_than_its_chart_is_reported(box: LakeBox) -> None:
    """The chart says one dollar on Tron."""
    result = box.dbt(
        "test",
        "--select",
        "assert_chains_hold_what_their_chart_says",
        check=False,
    )
    [outcome] = [item for item in result.result.results if item.node.name.startswith("assert_")]
    assert str(outcome.status) == "warn"
    assert outcome.failures == len(DAYS)


@pytest.mark.parametrize(
    ("mart", "change", "where", "check", "named"),
    [
        (
            "stablecoin_supply_daily",
            "share_frac = share_frac + 1e-8",
            "stablecoin_id = 'usd-coin'",
            "assert_shares_sum_to_one",
            LAST,
        ),
        (
            "stablecoin_supply_daily",
            "net_mint_7d_usd = net_mint_7d_usd + 1e-5 * supply_par_usd",
            "stablecoin_id = 'usd-coin'",
            "assert_net_mint_adds_up",
            "usd-coin",
        ),
        (
            "stablecoin_market_daily",
            "share_fiat_frac = share_fiat_frac + 1e-8",
            "true",
            "stablecoin_market_daily_quality_suite",
            "mechanisms make the whole",
        ),
    ],
)
def test_e08_what_does_not_add_up_is_found(
    box: LakeBox, mart: str, change: str, where: str, check: str, named: Any
) -> None:
    assert box.verdict(check) == ("pass", [])
    day = f"day = '{LAST}'"
    with box.tampered(f"update marts.{mart} set {change} where {where} and {day}") as broken:
        status, found = broken.verdict(check)
    assert status == "fail"
    assert [row[0] for row in found] == [named]


@pytest.mark.slow
def test_430_coins_with_shared_tickers_stay_apart(seeded_box: LakeBox, shared_data: Path) -> None:
    """Issue 5: one row for each id, whatever the ticker; the misspelt mechanism is counted."""
    path = shared_data / "defillama_stablecoin_registry" / "pegged_assets.csv"
    with path.open() as file:
        listed = list(csv.DictReader(file))
    shared = [name for name, n in Counter(row["symbol"].upper() for row in listed).items() if n > 1]
    assert len(shared) >= 49
    seeded_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [
                coin(
                    row["id"],
                    row["name"],
                    row["gecko_id"] or None,
                    symbol=row["symbol"],
                    peg_type=row["pegType"],
                    peg_mechanism=row["pegMechanism"],
                    dead_from=row["deadFrom"] or None,
                    is_yield_bearing=row["yieldBearing"] == "true",
                )
                for row in listed
            ],
            # what is dead still prints its supply
            "balances": [
                *closes("12", constant(days("2023-01-30", 5), 4e8)),
                *closes("1", constant(days("2023-01-30", 5), 7e10)),
            ],
        },
        fetched_at="2024-03-01T06:00:00",
        asked=[Asked("stablecoins")],
    )
    seeded_box.run("+stablecoin_market_daily +dim_stablecoin +int_build_gate")
    ids = seeded_box.query(
        "select defillama_id from marts.dim_stablecoin "
        "where is_current and defillama_id is not null"
    )
    assert Counter(row[0] for row in ids) == Counter(row["id"] for row in listed)
    unclassified = seeded_box.query(
        "select defillama_id from marts.dim_stablecoin where mechanism is null or peg_ref is null"
    )
    assert unclassified == []
    [(count, detail)] = seeded_box.query(
        "select failed_row_count, detail from intermediate.int_build_gate "
        "where check_name = 'misspelt_peg_mechanism'"
    )
    assert count == 1
    assert "crytpo-backed" in detail
    dead = dict(
        seeded_box.query(
            "select stablecoin_id, max(day) from marts.stablecoin_supply_daily group by 1"
        )
    )
    assert dead == {"neutrino": date(2023, 1, 31), "tether": date(2023, 2, 3)}
