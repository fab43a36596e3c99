"""Lists that must agree: what is asked of a venue, what can be priced, what was curated."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import sources
from pipelines.core.settings import REPO_DIR

SPOT_VENUES = [name for name in sources.SOURCES if sources.source(name).kind == "spot_venue"]
# tickers of which a recorded list means something else than the curated asset
OTHER_ASSETS: Mapping[str, Mapping[str, str]] = {
    "binance": {"USDS": "Stably's dollar of 2018 to 2020, not Sky's"},
}


def seed(name: str) -> list[dict[str, str]]:
    (path,) = (REPO_DIR / "dbt" / "seeds").rglob(f"{name}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bare(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def codes(source: str) -> dict[str, set[str]]:
    """Return the assets that each of a source's curated codes has ever meant."""
    found: dict[str, set[str]] = {}
    for alias in seed("dim_asset_alias_curated"):
        if alias["source"] == source:
            found.setdefault(alias["source_id"], set()).add(alias["asset_id"])
    return found


@pytest.mark.parametrize("venue", SPOT_VENUES)
def test_what_is_asked_is_what_can_be_priced(venue: str) -> None:
    priced = {quote["asset_id"] for quote in seed("cfg_quote")}
    priceable = {code for code, assets in codes(venue).items() if assets <= priced}
    asked = sources.source(venue).quotes
    assert asked - priceable == set(), f"{venue}: asked for, and no price follows from it"
    assert priceable - asked == set(), f"{venue}: can be priced, and is not asked for"


def test_the_dollars_of_the_largest_markets_are_among_them() -> None:
    """BTC against BUSD, TUSD and FDUSD were in turn the largest market of all."""
    wanted = {
        "binance": {"USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USDP", "EUR", "USD", "BTC"},
        "coinbase": {"USD"},
        "kraken": {"USD", "EUR"},
        "okx": {"USDT", "USDC"},
        "bybit": {"USDT", "USDC"},
        "bitstamp": {"USD", "EUR"},
        "gateio": {"USDT", "USDC", "BTC"},
    }
    priced = {quote["asset_id"] for quote in seed("cfg_quote")}
    for venue, quotes in wanted.items():
        known = codes(venue)
        missing = {code for code in quotes if not known.get(code, {"?"}) <= priced}
        assert not missing, f"{venue}: {missing} cannot be priced"


def test_an_exchanges_token_is_asked_for_at_its_own_venue() -> None:
    for exchange in seed("dim_exchange_curated"):
        if exchange["token_asset_id"]:
            known = set().union(*codes(exchange["venue_id"]).values())
            assert exchange["token_asset_id"] in known, (
                f"{exchange['exchange_id']}: no code of {exchange['token_asset_id']} is curated "
                f"at {exchange['venue_id']}, so its price there is never asked for"
            )


def test_a_migrated_coins_new_ticker_is_curated_wherever_the_old_one_is() -> None:
    ticker = {asset["asset_id"]: asset["symbol"] for asset in seed("dim_asset_curated")}
    for event in seed("dim_token_event_curated"):
        old, new = event["asset_id"], event["successor_asset_id"]
        if event["kind"] != "migration":
            continue
        for venue in set(SPOT_VENUES) - {"bitstamp"}:
            known = codes(venue)
            if ticker[old] in known:
                assert new in known.get(ticker[new], set()), (
                    f"{venue} knows {ticker[old]} and not {ticker[new]}, which took its place"
                )


def test_a_listed_exchanges_worth_is_a_series_without_holes() -> None:
    """Each point is good until the next is known; after the last nothing is, in the end."""
    points = [row for row in seed("exchange_equity_curated") if row["exchange_id"] == "coinbase"]
    ends = {
        date.fromisoformat(row["day"]): date.fromisoformat(row["day"])
        + timedelta(days=int(row["ttl_d"]))
        for row in points
    }
    assert min(ends) == date(2021, 4, 14), "its first trading day"
    reached = min(ends)
    for day in sorted(ends):
        assert day <= reached + timedelta(days=1), f"nothing is known from {reached} to {day}"
        reached = max(reached, ends[day])
    assert reached - max(ends) < timedelta(days=100), "a stale worth is none"


def _recorded(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield venue and base currency of every spot pair in lists as the venues served them."""

    def body(path: str) -> Any:
        text = (folder / path).read_text(encoding="utf-8")
        return json.loads(text if text[0] in "[{" else text.splitlines()[0].split(": ", 1)[1])

    for pair in body("exchange_metadata_cryptofeed/BINANCE.0.txt")["symbols"]:
        yield "binance", pair["baseAsset"]
    for pair in body("exchange_metadata_cryptofeed/COINBASE.0.txt"):
        yield "coinbase", pair["base_currency"]
    for pair in body("exchange_metadata_cryptofeed/KRAKEN.0.txt")["result"].values():
        yield "kraken", pair.get("wsname", "").partition("/")[0]
    for pair in body("exchange_metadata_cryptofeed/BITSTAMP.0.txt"):
        yield "bitstamp", pair["name"].partition("/")[0]
    wire = "exchange_wire_samples_nautilus"
    for pair in body(f"{wire}/okx__http_get_instruments_spot.json")["data"]:
        yield "okx", pair["baseCcy"]
    for pair in body(f"{wire}/bybit__http_get_instruments_spot.json")["result"]["list"]:
        yield "bybit", pair["baseCoin"]


def test_curated_tickers_on_the_venues_own_lists_are_curated_there(shared_data: Path) -> None:
    tickers = {asset["symbol"]: asset["asset_id"] for asset in seed("dim_asset_curated")}
    listed: dict[str, set[str]] = {}
    for venue, base in _recorded(shared_data):
        listed.setdefault(venue, set()).add(base)
    assert set(listed) <= set(SPOT_VENUES)
    for venue, bases in listed.items():
        missing = {
            base: tickers[base]
            for base in bases & set(tickers) - set(codes(venue))
            if base not in OTHER_ASSETS.get(venue, {})
        }
        assert not missing, f"{venue} lists curated tickers that nobody curated there: {missing}"


def test_every_recorded_key_of_a_chain_is_a_listed_chain(shared_data: Path) -> None:
    """One chain has other names in lists of protocols, of coins and of chains."""
    coins = json.loads(
        (shared_data / "defillama_stablecoins_recorded_2024" / "stablecoins.json").read_text()
    )
    [page] = (shared_data / "http_recorded_gamestonk").glob("api.llama.fi__protocols__*.json")
    known = {bare(row["chain_key"]): bare(row["chain_id"]) for row in seed("map_chain_key")}

    def meant(name: str) -> str:
        return known.get(bare(name), bare(name))

    listed = {meant(chain["name"]) for chain in coins["chains"]}
    used = {key for coin in coins["peggedAssets"] for key in coin.get("chainCirculating") or {}}
    protocols = json.loads(page.read_text())
    protocols = json.loads(protocols["body"]) if "body" in protocols else protocols
    used |= {name for protocol in protocols for name in protocol.get("chains") or []}
    assert len(used) > 100
    assert sorted(name for name in used if meant(name) not in listed) == []
