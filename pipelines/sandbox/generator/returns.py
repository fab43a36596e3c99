"""The return process: what an asset's price is made of before any venue or planted defect.

A log level is the market's times the asset's beta, its own part that reverts, and the drift of the
effects that were asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.sandbox.generator.cast import AssetSpec
from pipelines.sandbox.generator.effects import Effects

Series = NDArray[np.float64]

MARKET_SIGMA: Final = 0.023
TYPICAL_SIGMA: Final = 0.044
"""Daily volatility of an asset in the middle of the cast."""

MOST_DOUBLINGS: Final = 0.5
"""Beyond it calm earns no more: years of drift must not carry a price out of sight."""

WEEK_D: Final = 7


def salted(rng_seed: int, *names: str) -> np.random.Generator:
    """Return a generator of its own for a name, so that sizes do not change other markets."""
    return np.random.default_rng([rng_seed, *(zlib.crc32(name.encode()) for name in names)])


def student(rng: np.random.Generator, freedom: float, size: tuple[int, ...]) -> Series:
    """Return fat-tailed draws of unit variance, cut where a single day would be unbelievable."""
    draws: Series = rng.standard_t(freedom, size) / np.sqrt(freedom / (freedom - 2))
    return draws.clip(-6.0, 6.0)


def reverting(shocks: Series, pull: float, reversal: float = 0.0) -> Series:
    """Return the running sum of shocks (last axis) that is drawn back.

    Args:
        shocks: one a day.
        pull: share of its level that it gives back a day.
        reversal: share of its move of the last week that it gives back a day.
    """
    level = np.zeros(shocks.shape[:-1])
    path = np.empty_like(shocks)
    for day in range(shocks.shape[-1]):
        moved = level - path[..., day - 1 - WEEK_D] if day > WEEK_D else np.zeros_like(level)
        level = level * (1 - pull) + shocks[..., day] - reversal * moved
        path[..., day] = level
    return path


def levels(
    specs: Sequence[AssetSpec],
    effects: Effects,
    *,
    seed: int,
    start: date,
    market: Series,
    shocks: Series,
) -> Series:
    """Return log levels of assets, one row each.

    Args:
        specs: the assets.
        effects: what drifts are planted.
        seed: of the market; what a drift draws by chance has numbers of its own.
        start: the day of the second level: the first is that before it.
        market: log levels of the market.
        shocks: an asset's own returns by chance, one row each.
    """
    beta = np.array([spec.beta for spec in specs])[:, None]
    own = reverting(shocks, effects.reversion, effects.reversal)
    drift = _calm(specs, effects)[:, None] + _weekday(specs, effects, seed, start, len(market))
    drift = drift + _narrative(specs, effects, seed, len(market))
    planted: Series = beta * market + own + (neglect(specs, effects) * drift).cumsum(axis=1)
    return planted


def neglect(specs: Sequence[AssetSpec], effects: Effects) -> Series:
    """Return the part of a drift that each asset has, one row each.

    The larger an asset is, the more people trade away what can be foreseen of it: so the largest
    keep their order, and little can be earned by grading them.
    """
    caps = np.array([[spec.cap_usd] for spec in specs])
    part: Series = 1 / (1 + caps / effects.half_cap_usd)
    return part


def total_sigma(specs: Sequence[AssetSpec]) -> Series:
    """Return each asset's daily volatility on a day of ordinary excitement."""
    sigma: Series = np.hypot(
        [spec.beta * MARKET_SIGMA for spec in specs], [spec.sigma for spec in specs]
    )
    return sigma


def _calm(specs: Sequence[AssetSpec], effects: Effects) -> Series:
    doublings = np.log2(total_sigma(specs) / TYPICAL_SIGMA)
    drift: Series = -effects.calm_drift * doublings.clip(-MOST_DOUBLINGS, MOST_DOUBLINGS)
    return drift


def _weekday(
    specs: Sequence[AssetSpec], effects: Effects, seed: int, start: date, count: int
) -> Series:
    """What an asset earns on each weekday; nothing in a whole week."""
    drawn = np.array(
        [salted(seed, "weekday", spec.asset_id).standard_normal(WEEK_D) for spec in specs]
    )
    pattern = effects.weekday_drift * (drawn - drawn.mean(axis=1, keepdims=True))
    weekdays = ((start - timedelta(days=1)).weekday() + np.arange(count)) % WEEK_D
    drift: Series = pattern[:, weekdays]
    return drift


def _narrative(specs: Sequence[AssetSpec], effects: Effects, seed: int, count: int) -> Series:
    """A sector's drift, which stays for a while."""
    memory = 0.5 ** (1 / effects.narrative_halflife_d)
    size = effects.narrative_drift * np.sqrt(1 - memory**2)
    sectors = {
        sector: reverting(
            size * salted(seed, "narrative", sector).standard_normal(count), 1 - memory
        )
        for sector in {spec.sector for spec in specs}
    }
    return np.array([sectors[spec.sector] for spec in specs])
