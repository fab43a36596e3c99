"""What DefiLlama says about the cast's stablecoins: supply by chain, prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl

from pipelines.sandbox.dataset import TOTAL_CHAIN
from pipelines.sandbox.generator import cast as parts
from pipelines.sandbox.generator.cast import Cast, StableSpec
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.returns import Series, salted
from pipelines.sandbox.generator.settings import GeneratorSettings
from pipelines.sandbox.generator.venues import ar1

NEW_CHAIN = "Sandbox L9"
# minted and not yet sold: the issuer's own stock, as a share of what circulates
_TREASURY = 0.015


def stable_supplies(settings: GeneratorSettings, cast: Cast, plan: Plan) -> dict[str, Series]:
    """Return the true supply of every stablecoin, one value a complete day."""
    count = settings.day_count
    days = np.arange(count)
    found = {}
    for spec in cast.stables:
        rng = salted(settings.seed, "supply", spec.asset_id)
        wander = np.cumsum(0.0025 * rng.standard_normal(count))
        steps = 0.004 * (rng.random(count) < 0.08) * rng.standard_normal(count)
        level = spec.growth * days / 365.25 + wander + np.cumsum(steps)
        if spec.asset_id == parts.LEFTOVER:
            level = np.zeros(count)
        if spec.asset_id == parts.DIPPING:
            # what was redeemed in the days of fear does not come back at once
            fear = np.zeros(count)
            fear[plan.depegged_quote : plan.depegged_quote + 6] = (
                -0.02, -0.045, -0.035, -0.025, -0.015, -0.008
            )  # fmt: skip
            level = level + np.cumsum(fear)
        if spec.asset_id == parts.SPIRAL:
            fall = np.zeros(count)
            fall[plan.spiral : plan.spiral + 8] = (
                -0.01, -0.04, -0.09, -0.13, -0.11, -0.06, -0.03, -0.01
            )  # fmt: skip
            level = level + np.cumsum(fall)
            # nobody mints or redeems what is worth nothing
            level[plan.spiral + 12 :] = level[min(plan.spiral + 12, count - 1)]
        found[spec.asset_id] = spec.supply * np.exp(level)
    return found


def balances_frame(
    settings: GeneratorSettings, cast: Cast, supplies: Mapping[str, Series], plan: Plan
) -> pl.DataFrame:
    """Return stablecoin_daily as the layout has it, without versions; totals are sums of chains."""
    frames = [
        _balances(settings, spec, supplies[spec.asset_id], plan.new_chain) for spec in cast.stables
    ]
    return pl.concat(frames)


def _balances(
    settings: GeneratorSettings, spec: StableSpec, supply: Series, new_chain_day: int
) -> pl.DataFrame:
    count = settings.day_count
    rng = salted(settings.seed, "chains", spec.asset_id)
    chains = dict(spec.chains)
    if spec.asset_id == "tether":
        chains[NEW_CHAIN] = 0.012
    names = list(chains)
    tilt = np.stack([0.25 * ar1(rng, count, 0.995, 0.4) for _ in names])
    weight = np.array([chains[name] for name in names])[:, None] * np.exp(tilt)
    days = np.arange(count)
    if NEW_CHAIN in names:
        weight[names.index(NEW_CHAIN)] *= np.clip((days - new_chain_day) / 30, 0, 1)
    circulating = supply * weight / weight.sum(axis=0)
    origin = names[0]
    frames = []
    total_minted, total_unreleased = np.zeros(count), np.zeros(count)
    away = sum((circulating[names.index(chain)] for chain in spec.bridged), start=np.zeros(count))
    for number, chain in enumerate(names):
        here = circulating[number]
        bridged = here if chain in spec.bridged else np.zeros(count)
        treasury = _TREASURY * here if spec.mechanism == "fiat-backed" else np.zeros(count)
        minted = here + treasury - bridged
        if chain == origin:
            minted = minted + away
        if chain in spec.bridged:
            treasury, minted = np.zeros(count), np.zeros(count)
        total_minted += minted
        total_unreleased += treasury
        present = here > 0
        frames.append(
            _frame(settings, spec, chain, days, here, minted, treasury, bridged).filter(present)
        )
    frames.append(
        _frame(
            settings,
            spec,
            TOTAL_CHAIN,
            days,
            total_minted - total_unreleased,
            total_minted,
            total_unreleased,
            np.zeros(count),
        )
    )
    return pl.concat(frames)


def _frame(
    settings: GeneratorSettings,
    spec: StableSpec,
    chain: str,
    days: np.ndarray[tuple[int], np.dtype[np.int64]],
    circulating: Series,
    minted: Series,
    unreleased: Series,
    bridged: Series,
) -> pl.DataFrame:
    decimals = 6
    return pl.DataFrame(
        {
            "stablecoin_id": [spec.stablecoin_id] * len(days),
            "chain": [chain] * len(days),
            "day": days,
            "circulating": np.round(circulating, decimals),
            "minted": np.round(minted, decimals),
            "unreleased": np.round(unreleased, decimals),
            "bridged": np.round(bridged, decimals),
        }
    ).with_columns(day=pl.lit(settings.start) + pl.duration(days=pl.col("day")))


def prices_frame(
    settings: GeneratorSettings, cast: Cast, paths: Mapping[str, Path]
) -> pl.DataFrame:
    """Return prices as the layout has it: one a day, a second before the day's end."""
    count = settings.day_count
    frames = []
    for spec in cast.stables:
        rng = salted(settings.seed, "gecko", spec.asset_id)
        price = paths[spec.asset_id].close[:count] * np.exp(2e-4 * rng.standard_normal(count))
        frames.append(
            pl.DataFrame(
                {
                    "coin": [spec.asset_id] * count,
                    "ts": np.arange(count),
                    "price": np.round(price, 6),
                }
            )
        )
    day = pl.lit(settings.start) + pl.duration(days=pl.col("ts"))
    last_second = pl.duration(hours=23, minutes=59, seconds=59)
    return pl.concat(frames).with_columns(
        ts=day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + last_second
    )


def stablecoins_frame(cast: Cast) -> pl.DataFrame:
    """Return stablecoins as the layout has it, without versions."""
    dead = {parts.LEFTOVER: date(2022, 5, 9)}
    return pl.DataFrame(
        [
            {
                "stablecoin_id": spec.stablecoin_id,
                "name": spec.name,
                "symbol": spec.code,
                "gecko_id": spec.asset_id,
                "peg_type": f"pegged{spec.peg}",
                "peg_mechanism": spec.mechanism,
                "asset_id": spec.asset_id,
                "backing_asset_id": parts.BACKING if spec.asset_id == parts.SPIRAL else None,
                "launch_day": None,
                "dead_from": dead.get(spec.asset_id),
                "yield_bearing": False,
            }
            for spec in cast.stables
        ],
        schema_overrides={
            "launch_day": pl.Date,
            "dead_from": pl.Date,
            "backing_asset_id": pl.String,
        },
    )
