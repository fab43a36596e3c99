"""Who is who: symbols are for people, ids are for joins; what nobody mapped is listed, not lost."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.models.lake_box import DBT_DIR, Asked, LakeBox, day_start, days
from tests.models.market import DAY, Market, constant, dollars
from tests.models.test_project import REQUIRED_ASSETS

DAYS = days("2024-09-10", 20)
NOW = day_start(DAYS[-1]) + DAY
# DefiLlama's five coins of that ticker, as its list had them in 2025
FIVE_USDS = {
    "31": ("SpiceUSD", None, 1_000_000.0),
    "32": ("Sperax USD", "sperax-usd", 2_000_000.0),
    "149": ("Sable Coin", None, 3_000_000.0),
    "209": ("Sky Dollar", "usds", 4_000_000_000.0),
    "233": ("TheStandard USD", "thestandard-usd", 500_000.0),
}


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    dollars(town, DAYS)
    # both tokens of a migration trade side by side, 24,000 and 1 to 1
    for code, price in (("MKR", 1_500.0), ("SKY", 0.0625), ("MATIC", 0.4), ("POL", 0.41)):
        town.add("coinbase", f"{code}-USD", code, "USD", constant(DAYS, price))
    # two listings that no curator knows; one trades far more
    for code, price, volume in (("QQQA", 2.0, 1e5), ("QQQB", 3.0, 9e6)):
        story = constant(DAYS, price)
        town.add("coinbase", f"{code}-USD", code, "USD", story, volume_usd=volume)
    town.land(shared_box)
    shared_box.load(
        "defillama_stablecoins",
        {
            "stablecoins": [
                {
                    "stablecoin_id": number,
                    "name": name,
                    "symbol": "USDS",
                    "gecko_id": gecko_id,
                    "peg_type": "peggedUSD",
                    "peg_mechanism": "crypto-backed",
                    "is_delisted": False,
                    "is_yield_bearing": False,
                    "circulating_usd": supply,
                }
                for number, (name, gecko_id, supply) in FIVE_USDS.items()
            ],
            "balances": [
                {
                    "stablecoin_id": number,
                    "chain": "__total__",
                    "day_time": day_start(day) + DAY,
                    "circulating": supply,
                }
                for number, (_, _, supply) in FIVE_USDS.items()
                for day in DAYS
            ],
        },
        fetched_at=NOW,
        asked=[Asked("stablecoins")],
    )
    shared_box.load(
        "coinmetrics",
        {
            "asset_metrics": [
                {"asset": "zzz", "metric": "SplyCur", "time": day_start(DAYS[0]), "value": 1}
            ]
        },
        fetched_at=NOW,
    )
    shared_box.run(
        "+dim_asset +dim_asset_alias +dim_token_event +ops_unmapped_id +price_daily"
        " +stablecoin_supply_daily +returns_risk_daily"
    )
    return shared_box


def test_five_coins_of_one_ticker_stay_five_coins(box: LakeBox) -> None:
    """USDS of Sky, Sperax, Spice, Sable and TheStandard: five supplies, one curated."""
    found = dict(
        box.query(
            "select stablecoin_id, max(circulating_native) from marts.stablecoin_supply_daily "
            "group by stablecoin_id"
        )
    )
    assert found == {
        "usds" if number == "209" else f"defillama-{number}": supply
        for number, (_, _, supply) in FIVE_USDS.items()
    }


def test_unmapped_ids_are_listed_the_largest_first(box: LakeBox) -> None:
    """Issue 3, 6: volume where there is some, market cap elsewhere; what is mapped is not there."""
    found = box.query(
        "select source, id_kind, source_id, source_name, curation_rank from marts.ops_unmapped_id "
        "order by curation_rank"
    )
    assert found == [
        ("coinbase", "base", "QQQB", None, 1),
        ("defillama_stablecoins", "stablecoin", "149", "Sable Coin", 2),
        ("coinbase", "base", "QQQA", None, 3),
        ("defillama_stablecoins", "stablecoin", "32", "Sperax USD", 4),
        ("defillama_stablecoins", "stablecoin", "31", "SpiceUSD", 5),
        ("defillama_stablecoins", "stablecoin", "233", "TheStandard USD", 6),
        ("coinmetrics", "asset", "zzz", None, 7),
    ]
    priced = box.query("select distinct asset_id from marts.price_daily")
    assert ("QQQA",) not in priced
    assert {row[0] for row in priced} >= {"maker", "sky", "matic-network"}


@pytest.mark.parametrize(
    ("old", "new", "ratio"),
    [("maker", "sky", 24_000.0), ("matic-network", "polygon-ecosystem-token", 1.0)],
)
def test_a_migration_names_its_ratio_and_chains_nothing(
    box: LakeBox, old: str, new: str, ratio: float
) -> None:
    """Two assets, each with its own prices and returns, and an event that says how many."""
    event = box.query(
        "select successor_asset_id, unit_ratio from marts.dim_token_event "
        f"where asset_id = '{old}' and event_kind = 'migration'"
    )
    assert event == [(new, ratio)]
    prices = dict(
        box.query(
            "select asset_id, max(close_usd) from marts.price_daily "
            f"where asset_id in ('{old}', '{new}') group by asset_id"
        )
    )
    assert prices[old] / (prices[new] * ratio) == pytest.approx(1, rel=0.03)
    returns = box.query(
        "select max(abs(ret_1d)) from marts.returns_risk_daily "
        f"where asset_id in ('{old}', '{new}')"
    )
    assert returns[0][0] == pytest.approx(0, abs=1e-9), "its switch day is no crash"


def test_polkadots_and_terras_events(box: LakeBox) -> None:
    found = box.query(
        "select asset_id, event_kind, cast(effective_at as date), unit_ratio, successor_asset_id "
        "from marts.dim_token_event "
        "where asset_id = 'polkadot' or event_kind = 'ticker_reassigned' order by all"
    )
    assert found == [
        ("polkadot", "redenomination", date(2020, 8, 21), 100.0, None),
        ("terra-luna", "ticker_reassigned", date(2022, 5, 28), None, "terra-luna-2"),
    ]


def test_no_event_is_known_before_anybody_could(box: LakeBox) -> None:
    """known_at is there, and what is known later than the build is not."""
    rows = box.query("select event_known_at, as_of_ts from marts.dim_token_event")
    assert rows
    assert [row for row in rows if row[0] is None or row[0] > row[1]] == []


def test_every_required_entity_has_a_source_or_says_that_it_has_none(box: LakeBox) -> None:
    """An asset without an id at any source beside CoinGecko's is `no_source`."""
    wanted = REQUIRED_ASSETS.split()
    status = dict(box.query("select asset_id, source_status from marts.dim_asset"))
    mapped = {
        row[0]
        for row in box.query(
            "select asset_id from marts.dim_asset_alias where source != 'coingecko'"
        )
    }
    assert [asset for asset in wanted if asset not in status] == []
    silent = {asset for asset in wanted if asset not in mapped}
    assert {asset for asset in wanted if status[asset] == "no_source"} <= silent
    assert {asset for asset in silent if status[asset] == "mapped"} == set()


def test_at_any_day_an_id_means_one_asset(box: LakeBox) -> None:
    """The ticker LUNA is another asset from 2022-05-28 on, at every venue that kept it."""
    clash = box.query(
        "select one.source, one.source_id from marts.dim_asset_alias as one "
        "inner join marts.dim_asset_alias as two using (source, source_id) "
        "where one.valid_from < two.valid_from "
        "and coalesce(one.valid_to, date '9999-12-31') > two.valid_from"
    )
    assert clash == []
    luna = box.query(
        "select source, asset_id, valid_from from marts.dim_asset_alias "
        "where source_id = 'LUNA' and source in ('binance', 'coinbase') order by all"
    )
    assert luna == [
        (venue, asset, day)
        for venue in ("binance", "coinbase")
        for asset, day in (
            ("terra-luna", date(1970, 1, 1)),
            ("terra-luna-2", date(2022, 5, 28)),
        )
    ]


_CONDITION = re.compile(
    r"\bon\b(.*?)(?=\b(?:left|inner|cross|full|anti|semi|asof|where|group by|order by|qualify|"
    r"union|select)\b|\Z)",
    re.DOTALL,
)
_AT_WHOM = re.compile(r"\b(?:venue|venue_id|source)\s*=")
_SYMBOL = re.compile(r"\b(?:symbol|ticker)\s*=|=\s*\w+\.(?:symbol|ticker)\b")


def _joins_by_symbol(sql: str) -> list[str]:
    """Return the join conditions that compare tickers without saying whose."""
    bare = re.sub(r"--[^\n]*|\{#.*?#\}", "", sql, flags=re.DOTALL)
    found = [
        condition.strip()
        for condition in _CONDITION.findall(bare)
        if _SYMBOL.search(condition) and not _AT_WHOM.search(condition)
    ]
    found += re.findall(r"using\s*\([^)]*\b(?:symbol|ticker)\b[^)]*\)", bare)
    return found


def test_the_search_for_joins_by_symbol_finds_one() -> None:
    sql = "select * from a inner join b on a.symbol = b.symbol where a.x = 1"
    assert _joins_by_symbol(sql) == ["a.symbol = b.symbol"]
    assert _joins_by_symbol(sql.replace("on ", "on a.venue_id = b.venue_id and ")) == []


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for folder in ("staging", "intermediate", "marts")
        for path in (DBT_DIR / "models" / folder).rglob("*.sql")
        if "symbol" in path.read_text()
    ),
    ids=lambda path: path.stem,
)
def test_no_model_joins_by_symbol(path: Path) -> None:
    """49 stablecoins share a ticker with another; a market's symbol is one at its venue."""
    assert _joins_by_symbol(path.read_text()) == []
