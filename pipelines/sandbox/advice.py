"""What a dataset folder is good for: which marts it fills, and what in it is left aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from pipelines.core.settings import REPO_DIR
from pipelines.extraction.candles import DAILY
from pipelines.sandbox.dataset import Dataset, day_start
from pipelines.sources import SOURCES

# marts that stay empty without these tables; all others come of candles and curated lists
NEEDS: Mapping[str, tuple[str, ...]] = {
    "derivatives_daily": ("perpetuals", "funding"),
    "network_valuation_daily": ("network_metrics",),
    "stablecoin_supply_daily": ("stablecoins", "stablecoin_daily"),
    "stablecoin_chain_daily": ("stablecoins", "stablecoin_daily"),
    "stablecoin_milestone": ("stablecoins", "stablecoin_daily"),
    "stablecoin_market_daily": ("stablecoins", "stablecoin_daily"),
    "protocol_fundamentals_daily": ("protocols", "protocol_daily", "chains"),
    "protocol_growth_daily": ("protocols", "protocol_daily", "protocol_token_daily", "chains"),
    "chain_daily": ("protocols", "chains", "chains_daily"),
    "valuation_daily": ("protocols", "protocol_daily", "coin_daily", "chains"),
    "peer_percentile_daily": ("protocols", "protocol_daily", "coin_daily", "chains"),
    "peer_pair": ("protocols", "protocol_daily", "coin_daily", "chains"),
    "moonshots": ("coin_daily",),
    "what_if_token": ("coin_daily",),
}
# what of a lake has to happen before there is a row
HAPPEN = ("alert", "depeg_event", "depeg_event_log", "ops_gap", "ops_revision", "signal_event")
_ALIAS_SEED = "dbt/seeds/identity/dim_asset_alias_curated.csv"
_ASSET_SEED = "dbt/seeds/identity/dim_asset_curated.csv"


def advise(dataset: Dataset) -> Iterator[str]:
    """Yield sentences about a folder: what comes of it, what does not, and why."""
    yield from _about_venues(dataset)
    yield from _about_lengths(dataset)
    yield from _about_listings(dataset)
    yield from _about_identities(dataset)
    yield from _about_marts(dataset)


def _about_venues(dataset: Dataset) -> Iterator[str]:
    rows = dict(
        dataset.table("candles").group_by("venue").len().sort("venue").collect().iter_rows()
    )
    served = [venue for venue in SOURCES if venue in rows]
    yield f"venues served: {', '.join(served) or 'none'}"
    for venue in sorted(set(rows) - set(served)):
        yield f"venue {venue} has no wire format here: its {rows[venue]:,} candles are ignored"


def _about_lengths(dataset: Dataset) -> Iterator[str]:
    lengths = (
        dataset.table("candles")
        .group_by("venue", "symbol")
        .agg(is_daily=(pl.col("interval") == DAILY).any())
        .filter(~pl.col("is_daily"))
        .group_by("venue")
        .len()
        .sort("venue")
        .collect()
    )
    for venue, count in lengths.iter_rows():
        asked = ", ".join(dataset.intraday.get(venue, ()))
        yield f"{count} markets of {venue} have no daily candles: days are added up from {asked}"


def _about_listings(dataset: Dataset) -> Iterator[str]:
    listings = dataset.table("markets").group_by("venue", "symbol").agg(pl.col("listed_day").min())
    early = (
        dataset.table("candles")
        .join(listings, on=["venue", "symbol"])
        .filter(pl.col("open_time") < day_start(pl.col("listed_day")))
        .group_by("venue", "symbol")
        .len()
        .sort("venue", "symbol")
        .collect()
    )
    for venue, symbol, count in early.iter_rows():
        yield f"{venue} {symbol}: {count:,} candles lie before its listing and are ignored"


def _about_identities(dataset: Dataset) -> Iterator[str]:
    markets = dataset.table("markets").collect()
    reported = pl.concat(
        markets.select(
            source=pl.col("venue"),
            source_id=pl.col(f"{side}_code"),
            asset_id=pl.col(f"{side}_asset_id"),
        )
        for side in ("base", "quote")
    )
    reported = reported.drop_nulls().unique()
    curated = pl.read_csv(REPO_DIR / _ALIAS_SEED, infer_schema=False)
    curated = curated.group_by("source", "source_id").agg(curated_ids=pl.col("asset_id").unique())
    clashes = (
        reported.join(curated, on=["source", "source_id"])
        .filter(~pl.col("asset_id").is_in(pl.col("curated_ids")))
        .sort("source", "source_id")
    )
    for source, code, asset_id, ids in clashes.iter_rows():
        yield (
            f"{source}'s {code} is {asset_id} here and {', '.join(sorted(ids))} in the curated "
            "lists: those win"
        )
    known = pl.read_csv(REPO_DIR / _ASSET_SEED, infer_schema=False)
    others = (
        dataset.table("assets")
        .collect()
        .join(known.select("asset_id", curated_symbol="symbol"), on="asset_id")
        .filter(pl.col("symbol") != pl.col("curated_symbol"))
        .sort("asset_id")
    )
    for row in others.iter_rows(named=True):
        yield (
            f"asset {row['asset_id']} is {row['symbol']} here and {row['curated_symbol']} in the "
            "curated lists: if it is another asset, give it another id"
        )


def _about_marts(dataset: Dataset) -> Iterator[str]:
    missing = {
        mart: [table for table in tables if not dataset.has(table)]
        for mart, tables in NEEDS.items()
    }
    by_reason: dict[str, list[str]] = {}
    for mart, tables in missing.items():
        if tables:
            by_reason.setdefault(" and ".join(tables), []).append(mart)
    filled = sorted(set(_marts()) - set(HAPPEN) - {mart for mart in missing if missing[mart]})
    yield f"marts that it fills: {', '.join(filled)}"
    yield f"marts that fill when something happens: {', '.join(HAPPEN)}"
    for reason, marts in sorted(by_reason.items()):
        yield f"marts that stay empty without {reason}: {', '.join(sorted(marts))}"


def _marts() -> list[str]:
    return [path.stem for path in (REPO_DIR / "dbt" / "models" / "marts").rglob("*.sql")]
