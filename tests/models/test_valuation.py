"""What tokens are worth against what their protocols earn, from raw rows to the marts.

Golden vectors from candles, supplies, TVL and fees as the sources tell them, and
the checks of valuations with what they are there to find.
"""

# the queries are made of constants
from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars
from tests.models.test_defi import flow, listed, tvl
from tests.models.test_supply import chart, coin, ledger

DAYS = days("2025-07-10", 36)
# the curated equity of Coinbase, 84 billion, is of 12 August
SEEDS_DAY, PAGE_DAY = date(2025, 8, 12), date(2025, 8, 14)
SNAPSHOT = date(2025, 8, 11)
START, END = day_start(DAYS[0]), day_start(DAYS[-1]) + DAY
NOW = END + DAY / 4

# CAKE's page: market cap, diluted value, fees of 30 days, revenue of a year by 12.2 months, TVL
MCAP, FDV, FEES_30D, REVENUE_ANN, TVL = 740.13e6, 771.18e6, 54.85e6, 219.59e6, 2572e6
LARGEST = 400e6
CAKE = constant(DAYS, 2.3e9 / LARGEST) | {PAGE_DAY: FDV / LARGEST}
FALL = DAYS[20]


def month(total: float) -> dict[date, float]:
    """Thirty days up to the page's that sum to a total, no day like the one before it."""
    last = DAYS[DAYS.index(PAGE_DAY) - 29 : DAYS.index(PAGE_DAY) + 1]
    return {day: total / 30 * (1 + (number - 14.5) / 100) for number, day in enumerate(last)}


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    prices = {"UNI": 11.6, "AERO": 1.0, "BNB": 1000.0, "ADA": 0.5, "LTC": 50.0, "AAVE": 80.0}
    stories = {code: constant(DAYS, price) for code, price in prices.items()} | {"CAKE": CAKE}
    for code, closes in stories.items():
        town.add("coinbase", f"{code}-USD", code, "USD", closes)
        town.add("kraken", f"{code}USD", code, "USD", closes)
    town.land(shared_box)
    shared_box.load(
        "coingecko",
        {
            "markets": [
                coin(
                    "pancakeswap-token",
                    circulating_supply=LARGEST * MCAP / FDV,
                    total_supply=LARGEST,
                    max_supply=LARGEST,
                ),
                coin("uniswap", circulating_supply=600e6, total_supply=1e9, max_supply=1e9),
                coin("aerodrome-finance", circulating_supply=1.2e9, total_supply=2.3e9),
                coin("binancecoin", circulating_supply=100e6, total_supply=100e6),
                # nothing can circulate that was never minted
                coin("aave", circulating_supply=20e6, total_supply=16e6),
            ]
        },
        fetched_at=day_start(SNAPSHOT) + DAY * 1.25,
        asked=[Asked("markets", "top 1000")],
    )
    shared_box.load(
        "coingecko",
        {
            "market_chart": [
                # a third of it is gone in a day
                *chart("cardano", {day: (0.5, 0.5 * (9e9 if day < FALL else 6e9)) for day in DAYS}),
                *chart("litecoin", constant(DAYS, (50.0, 50.0 * 80e6))),
            ]
        },
        fetched_at=NOW,
        asked=[Asked("market_chart", "litecoin", START + DAY, END + DAY)],
    )
    shared_box.load(
        "coinmetrics",
        {"asset_metrics": ledger("ltc", constant(DAYS, 66e6))},
        fetched_at=NOW,
        asked=[Asked("asset_metrics", "ltc", START, END)],
    )
    shared_box.load(
        "defillama",
        {
            "protocols": [
                listed("pancakeswap-amm-v3", "Dexs", parent_protocol="parent#pancakeswap"),
                listed("uniswap-v3", "Dexs", parent_protocol="parent#uniswap"),
            ],
            "chains": [{"chain": chain, "tvl_usd": 1e9} for chain in ("BSC", "Ethereum")],
            "protocol_tvl": [
                *tvl("pancakeswap-amm-v3", "BSC", constant(DAYS, TVL / 2) | {PAGE_DAY: TVL}),
                *tvl("uniswap-v3", "Ethereum", {day: 5e9 + n for n, day in enumerate(DAYS)}),
            ],
            "protocol_metrics": [
                *flow("dailyFees", "pancakeswap-amm-v3", "bsc", month(FEES_30D)),
                *flow("dailyRevenue", "pancakeswap-amm-v3", "bsc", month(REVENUE_ANN / 12.2)),
                *flow("dailyFees", "uniswap-v3", "ethereum", month(FEES_30D / 4.5)),
            ],
        },
        fetched_at=NOW,
        asked=[Asked("protocols"), Asked("chains")],
    )
    shared_box.run(
        "+valuation_daily_quality_suite +assert_supplies_are_believed "
        "+peer_pair +exchange_token_daily"
    )
    return shared_box


def valued(box: LakeBox, asset: str, day: date) -> dict[str, Any]:
    [row] = box.frame(
        f"select * from marts.valuation_daily where asset_id = '{asset}' and day = '{day}'"
    ).to_dicts()
    return row


def test_g18_the_page_of_a_protocol(box: LakeBox) -> None:
    """A month is 365/30 of a year, or by the parity columns 12.2."""
    row = valued(box, "pancakeswap-token", PAGE_DAY)
    assert row["mcap_usd"] == pytest.approx(MCAP, rel=1e-9)
    assert row["fdv_usd"] == pytest.approx(FDV, rel=1e-9)
    assert row["fees_30d_usd"] == pytest.approx(FEES_30D, rel=1e-9)
    assert row["fees_ann_dl_usd"] == pytest.approx(669.17e6, abs=1e4)
    assert row["fees_ann_usd"] == pytest.approx(667.34e6, abs=1e4)
    assert row["pf_circ_dl_x"] == pytest.approx(1.1061, abs=1e-4)
    assert row["pf_circ_x"] == pytest.approx(1.1091, abs=1e-4)
    assert row["tvl_usd"] == pytest.approx(TVL)
    assert row["mcap_tvl_x"] == pytest.approx(0.2878, abs=1e-4)
    assert row["take_rate_frac"] == pytest.approx(0.328, abs=5e-4)


def test_g20_the_arithmetic_of_the_articles(box: LakeBox) -> None:
    """1.2/2.3 circulates, 2.3/11.6 of a peer's diluted value, 100/84 of a listed equity."""
    assert valued(box, "aerodrome-finance", SEEDS_DAY)["float_frac"] == pytest.approx(
        0.5217, abs=1e-4
    )
    [(ratio, fees_ratio)] = box.query(
        "select fdv_ratio, fees_ratio_7d from marts.peer_pair where day = "
        f"'{SEEDS_DAY}' and asset_id = 'pancakeswap-token' and peer_asset_id = 'uniswap'"
    )
    assert ratio == pytest.approx(0.1983, abs=1e-4)
    assert fees_ratio == pytest.approx(4.5), "more than four times the fees"
    assert valued(box, "binancecoin", SEEDS_DAY)["token_to_equity_ratio"] == pytest.approx(
        1.1905, abs=1e-4
    )
    assert box.query(
        "select round(token_to_equity_ratio, 4), equity_day from marts.exchange_token_daily "
        f"where exchange_id = 'binance' and day = '{SEEDS_DAY}'"
    ) == [(1.1905, SEEDS_DAY)]


def test_e12_says_which_supplies_are_not_to_be_believed(box: LakeBox) -> None:
    status, found = box.verdict("assert_supplies_are_believed")
    assert status == "warn"
    falls = [row for row in found if row[0] == "falls by a fifth"]
    assert [(row[1], row[2], row[4] / row[3]) for row in falls] == [
        ("asset cardano", FALL, pytest.approx(2 / 3))
    ]
    assert {row[:2] for row in found if row not in falls} == {
        ("disputed", "asset litecoin"),
        ("more than there can be", "asset aave"),
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("mcap_usd = mcap_usd * 1.00001", "mcap is price times supply"),
        ("fdv_usd = mcap_usd * 0.99999", "fdv is no less than mcap"),
        ("pf_circ_x = pf_circ_x * 1.00001", "multiples come from their parts"),
        ("mcap_tvl_x = mcap_tvl_x * 1.00001", "multiples come from their parts"),
        ("fdv_basis = null", "a diluted value has a basis"),
    ],
)
def test_e08_a_valuation_that_does_not_add_up_is_found(
    box: LakeBox, change: str, rule: str
) -> None:
    one = f"asset_id = 'pancakeswap-token' and day = '{PAGE_DAY}'"
    with box.tampered(f"update marts.valuation_daily set {change} where {one}") as broken:
        status, found = broken.verdict("valuation_daily_quality_suite")
    assert status == "fail"
    assert rule in {row[0] for row in found}
    assert {row[1:3] for row in found} == {("pancakeswap-token", PAGE_DAY)}


def test_what_was_not_tampered_with_quality_suite(box: LakeBox) -> None:
    assert box.verdict("valuation_daily_quality_suite") == ("pass", [])
