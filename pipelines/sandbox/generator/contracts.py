"""Token contracts on Ethereum: supplies, mints and burns of the cast's stablecoins and gold."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.sandbox.generator.defects import World
from pipelines.sandbox.generator.returns import Series, salted

CHAIN = "Ethereum"
# address and digits after the point, as on the real chain
_CONTRACTS: Mapping[str, tuple[str, int]] = {
    "tether": ("0xdac17f958d2ee523a2206206994597c13d831ec7", 6),
    "usd-coin": ("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6),
    "dai": ("0x6b175474e89094c44da98b954eedeac495271d0f", 18),
    "true-usd": ("0x0000000000085d4780b73119b644ae5ecd22b376", 18),
    "magic-internet-money": ("0x99d8a9c45b2eca8864373a26d1459e3dff1e17f3", 18),
    "ethena-usde": ("0x4c9edd5852cd905f086c759e8383e09bff1e68b3", 18),
    "paypal-usd": ("0x6c3ea9036406852006290770bedfcaba0e23a0e8", 6),
    "frax": ("0x853d955acef822db058eb8505911ed77f175b99e", 18),
    "nusd": ("0x57ab1ec28d129707052df4df418d58a2d46d5f51", 18),
    "euro-coin": ("0x1abaea1f7c830bd89acc67ec4af516284b1bc33c", 6),
    "pax-gold": ("0x45804880de22913dafe09f4980848ece6ecbaf78", 18),
    "tether-gold": ("0x68749665ff8d2d112fa859aa293f07a622782f38", 6),
}
# what is minted and burned on the same day, as a share of what there is
_CHURN = 0.002


def contract_tables(world: World, supplies: Mapping[str, Series]) -> dict[str, pl.DataFrame]:
    """Return the tables `tokens` and `token_daily`, without versions."""
    settings = world.settings
    count = settings.day_count
    there = {spec.asset_id: (spec.code, spec.chains.get(CHAIN, 0.0)) for spec in world.cast.stables}
    there |= {spec.asset_id: (spec.code, 1.0) for spec in world.cast.gold}
    tokens, frames = [], []
    for asset_id, (code, share) in there.items():
        if not share:
            continue
        made_up = f"0x{zlib.crc32(asset_id.encode()):08x}".ljust(42, "5")
        address, decimals = _CONTRACTS.get(asset_id, (made_up, 18))
        tokens.append(
            {"address": address, "symbol": code, "decimals": decimals, "asset_id": asset_id}
        )
        supply = np.round(supplies[asset_id][:count] * share, min(decimals, 6))
        rng = salted(settings.seed, "contract", asset_id)
        churn = np.round(_CHURN * supply * rng.random(count), 2)
        change = np.diff(supply, prepend=supply[0])
        frames.append(
            pl.DataFrame(
                {
                    "address": [address] * count,
                    "day": np.arange(count),
                    "total_supply": supply,
                    "minted": np.round(churn + np.maximum(change, 0), min(decimals, 6)),
                    "burned": np.round(churn + np.maximum(-change, 0), min(decimals, 6)),
                }
            )
        )
    day = pl.lit(settings.start) + pl.duration(days=pl.col("day"))
    return {
        "tokens": pl.DataFrame(tokens).sort("address"),
        "token_daily": pl.concat(frames).with_columns(day=day).sort("address", "day"),
    }
