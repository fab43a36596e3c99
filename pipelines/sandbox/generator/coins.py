"""What CoinGecko says about the cast: prices, volumes, supplies, categories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.sandbox.generator.defects import World
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.returns import Series, salted

# made-up coins and tokens are unknown to CoinGecko: ids that one source alone has
UNKNOWN_PREFIX = "sandbox-"
_BITCOIN_MAX = 21e6
# of so many tokens one has no upper bound
_UNCAPPED = 4
# what the next years still bring, over what circulates at the end
_ROOM = 1.3
# the coin of which CoinGecko counts too few units for a month, and which month back from the end
_DISPUTED = "ethereum"
_DISPUTED_BACK_D = (120, 90)
_DISPUTED_PART = 0.92
# of so many of the largest somebody writes down what circulates, and how often
_SCHEDULED = 25
_WRITTEN_EVERY_D = 182
_CATEGORIES: Mapping[str, tuple[str, str]] = {
    "platform": ("layer-1", "Layer 1 (L1)"),
    "layer2": ("layer-2", "Layer 2 (L2)"),
    "defi": ("decentralized-finance-defi", "Decentralized Finance (DeFi)"),
    "dex": ("decentralized-exchange", "Decentralized Exchange (DEX)"),
    "ai": ("artificial-intelligence", "Artificial Intelligence (AI)"),
    "gaming": ("gaming", "Gaming (GameFi)"),
    "meme": ("meme-token", "Meme"),
    "exchange": ("centralized-exchange-token-cex", "Exchange-based Tokens"),
    "depin": ("depin", "DePIN"),
    "rwa": ("real-world-assets-rwa", "Real World Assets (RWA)"),
    "stablecoin": ("stablecoins", "Stablecoins"),
    "gold": ("tokenized-gold", "Tokenized Gold"),
}


def coin_tables(
    world: World,
    paths: Mapping[str, Path],
    turnover: Mapping[str, Series],
    supplies: Mapping[str, Series],
) -> dict[str, pl.DataFrame]:
    """Return the tables `coin_daily`, `category_daily` and `supply_points`, without versions."""
    settings = world.settings
    count = settings.day_count
    frames: list[pl.DataFrame] = []
    points: list[dict[str, object]] = []
    caps: dict[str, Series] = {}
    volumes: dict[str, Series] = {}
    for rank, (asset_id, sector, is_token) in enumerate(_coins(world)):
        path, supply = paths[asset_id], supplies[asset_id][:count]
        rng = salted(settings.seed, "coingecko", asset_id)
        price = path.close[:count] * np.exp(2e-4 * rng.standard_normal(count))
        # aggregators count more venues, and what they wash
        volume = turnover[asset_id][:count] * 1.35 * np.exp(0.05 * rng.standard_normal(count))
        total, most = supply.copy(), np.full(count, np.nan)
        if asset_id == _DISPUTED:
            first, last = (max(count - back, 0) for back in _DISPUTED_BACK_D)
            supply = supply.copy()
            supply[first:last] *= _DISPUTED_PART
            world.note(
                "F-21", asset_id, first, last - 1, "CoinGecko counts 8 % fewer units than a ledger",
                "supply_disputed in valuation_daily; the market cap is the ledger's",
            )  # fmt: skip
        if asset_id == "bitcoin":
            most = np.full(count, _BITCOIN_MAX)
        elif is_token:
            total = np.full(count, float(supply.max()) * _ROOM)
            if rank % _UNCAPPED:
                most = total
        written = {"diluted": np.where(np.isnan(most), total, most)}
        if rank < _SCHEDULED:
            written["circulating"] = supplies[asset_id][:count]
        if sector != "stablecoin":
            for concept, units in written.items():
                points += _points(asset_id, concept, units, path.first)
        present = np.zeros(count, dtype=bool)
        present[path.first : path.last + 1] = True
        frames.append(
            pl.DataFrame(
                {
                    "coin": [asset_id] * count,
                    "day": np.arange(count),
                    "price": _significant(price),
                    "market_cap": [None] * count,
                    "volume_24h": np.round(volume),
                    "circulating_supply": np.round(supply, 4),
                    "total_supply": np.round(total, 4),
                    "max_supply": np.round(most, 4),
                },
                schema_overrides={"market_cap": pl.Float64},
            ).filter(pl.Series(present))
        )
        if sector in _CATEGORIES:
            worth = np.where(present, price * supply, 0.0)
            caps[sector] = caps.get(sector, np.zeros(count)) + worth
            volumes[sector] = volumes.get(sector, np.zeros(count)) + np.where(present, volume, 0.0)
    categories = [
        pl.DataFrame(
            {
                "category_id": [_CATEGORIES[sector][0]] * count,
                "day": np.arange(count),
                "name": [_CATEGORIES[sector][1]] * count,
                "market_cap": np.round(caps[sector], 2),
                "volume_24h": np.round(volumes[sector], 2),
            }
        )
        for sector in sorted(caps)
    ]
    start = pl.lit(settings.start)
    day = start + pl.duration(days=pl.col("day"))
    return {
        "coin_daily": pl.concat(frames)
        .with_columns(day=day, max_supply=pl.col("max_supply").fill_nan(None))
        .sort("coin", "day"),
        "category_daily": pl.concat(categories).with_columns(day=day).sort("category_id", "day"),
        "supply_points": pl.DataFrame(points)
        .with_columns(day=day)
        .sort("asset_id", "concept", "day"),
    }


def _points(asset_id: str, concept: str, supply: Series, first: int) -> list[dict[str, object]]:
    """Return what issuers write down twice a year: how many there are, and the pace onwards."""
    found: list[dict[str, object]] = []
    last = len(supply) - 1
    for day in range(first, last, _WRITTEN_EVERY_D):
        until = min(day + _WRITTEN_EVERY_D, last)
        found.append(
            {
                "asset_id": asset_id,
                "concept": concept,
                "day": day,
                "supply": round(float(supply[day]), 4),
                "issuance_1d": round(float(supply[until] - supply[day]) / (until - day), 8),
            }
        )
    return found


def _coins(world: World) -> list[tuple[str, str, bool]]:
    """Return asset, sector and whether more of it may come, of what CoinGecko knows."""
    cast = world.cast
    found = [
        (spec.asset_id, spec.sector, spec.asset_class == "token")
        for spec in (*cast.assets, *cast.gold)
        if not spec.asset_id.startswith(UNKNOWN_PREFIX)
    ]
    return found + [(spec.asset_id, "stablecoin", False) for spec in cast.stables]


def _significant(values: Series) -> Series:
    """Return the values with eight significant digits, as the source prints small prices."""
    digits = 7 - np.floor(np.log10(np.maximum(np.abs(values), 1e-12)))
    scale = np.power(10.0, digits)
    rounded: Series = np.round(values * scale) / scale
    return rounded
