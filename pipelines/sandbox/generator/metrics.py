"""What Coin Metrics says about the cast: supply, issuance, activity, valuation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.sandbox.generator import cast as parts
from pipelines.sandbox.generator.cast import AssetSpec, Cast
from pipelines.sandbox.generator.paths import SPIRAL_MINT, Path
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.returns import Series, salted
from pipelines.sandbox.generator.settings import GeneratorSettings

_HALVING = date(2024, 4, 20)
_TOKEN_METRICS = (
    "AdrActCnt",
    "CapMrktCurUSD",
    "PriceUSD",
    "ReferenceRateUSD",
    "SplyCur",
    "TxCnt",
    "TxTfrCnt",
)
_CHAIN_METRICS = (*_TOKEN_METRICS, "BlkCnt", "FeeTotNtv", "IssTotNtv", "IssTotUSD")
# a ledger holds what is in escrow and treasuries too: it over what circulates
_ESCROWED: Mapping[str, float] = {
    "ripple": 1.75,
    "stellar": 1.6,
    "chainlink": 1.6,
    "uniswap": 1.55,
    "aave": 1.06,
}
_WITH_REALISED = frozenset({"bitcoin", "ethereum", "litecoin", "dogecoin", "bitcoin-cash"})


@dataclass
class MetricSeries:
    """One asset's values of one metric, one a complete day from `first` on."""

    asset_id: str
    asset: str
    metric: str
    first: int
    values: Series


def supplies_of(settings: GeneratorSettings, cast: Cast, plan: Plan) -> dict[str, Series]:
    """Return the true supply of every coin and token, one value a complete day."""
    days = np.arange(settings.day_count)
    found = {}
    for spec in (*cast.assets, *cast.gold):
        supply = spec.supply * np.exp(spec.inflation * days / 365.25)
        if spec.asset_id == "bitcoin":
            halving = (_HALVING - settings.start).days
            issued = np.where(days < halving, 912.0, 456.0)
            supply = spec.supply + np.cumsum(issued)
        if spec.asset_id == parts.REDENOMINATED:
            supply = supply * np.where(days >= plan.redenomination, 100.0, 1.0)
        if spec.asset_id == parts.BACKING:
            factor = np.ones(settings.day_count)
            end = min(plan.spiral + len(SPIRAL_MINT), settings.day_count)
            factor[plan.spiral : end] = SPIRAL_MINT[: end - plan.spiral]
            supply = supply * np.cumprod(factor)
        found[spec.asset_id] = supply
    return found


def metric_series(
    settings: GeneratorSettings,
    cast: Cast,
    paths: Mapping[str, Path],
    supplies: Mapping[str, Series],
) -> list[MetricSeries]:
    """Return the metrics of every asset that Coin Metrics covers.

    `PriceUSD` of a label is the price at the end of that day; `ReferenceRateUSD` is the price at
    the label's own instant, so it is the close of the day before.
    """
    found: list[MetricSeries] = []
    for spec in (*cast.assets, *cast.gold):
        path, supply = paths[spec.asset_id], supplies[spec.asset_id]
        if spec.coinmetrics_id is not None:
            found += _of_asset(settings, spec, path, supply)
        found += _estimates(settings, spec, path, supply)
    for stable in cast.stables:
        if stable.coinmetrics_id is not None:
            spec = AssetSpec(
                stable.asset_id,
                stable.code,
                stable.name,
                "stablecoin",
                "",
                1.0,
                stable.supply,
                coinmetrics_id=stable.coinmetrics_id,
            )
            found += _of_asset(settings, spec, paths[stable.asset_id], supplies[stable.asset_id])
    return found


def _of_asset(
    settings: GeneratorSettings, spec: AssetSpec, path: Path, supply: Series
) -> list[MetricSeries]:
    count = settings.day_count
    rng = salted(settings.seed, "metrics", spec.asset_id)
    price = path.close[:count] * np.exp(1.5e-4 * rng.standard_normal(count))
    previous = np.concatenate([path.open[:1], path.close[: count - 1]])
    cap = price * supply
    held = _ESCROWED.get(spec.asset_id, 1.0)
    # more people come when prices move and when they are high
    interest = np.sqrt(cap / cap[0]) * np.exp(0.12 * np.clip(path.activity[:count], 0, 5))
    weekly = 1 + 0.06 * np.cos(2 * np.pi * (np.arange(count) % 7) / 7)
    base = 40 + 0.002 * np.sqrt(spec.price * spec.supply) * 10
    noise = np.exp(0.05 * rng.standard_normal((3, count)))
    active = np.round(base * 25 * interest**0.5 * weekly * noise[0])
    values: dict[str, Series] = {
        "AdrActCnt": active,
        "CapMrktCurUSD": cap * held,
        "PriceUSD": price,
        "ReferenceRateUSD": previous,
        "SplyCur": supply * held,
        "TxCnt": np.round(active * 0.55 * noise[1]),
        "TxTfrCnt": np.round(active * 0.9 * noise[2]),
    }
    wanted: tuple[str, ...] = _TOKEN_METRICS
    if spec.chain is not None:
        wanted = _CHAIN_METRICS
        blocks = {"bitcoin": 144, "ethereum": 7_150, "litecoin": 576, "dogecoin": 1_440}
        issued = np.diff(supply, prepend=supply[0] * (1 - spec.inflation / 365.25))
        if spec.asset_id == parts.REDENOMINATED:
            # a hundred new units for an old one are not issued
            issued = np.where(issued > 0.5 * supply, supply * spec.inflation / 365.25, issued)
        issued = np.maximum(issued, 0) + spec.supply * 1e-6
        values |= {
            "BlkCnt": np.round(
                blocks.get(spec.asset_id, 4_300) * np.exp(0.05 * rng.standard_normal(count))
            ),
            "FeeTotNtv": active
            * 2e-5
            * np.exp(0.3 * rng.standard_normal(count))
            / spec.price
            * 1e3,
            "IssTotNtv": issued,
            "IssTotUSD": issued * price,
        }
    if spec.chain == "pow":
        wanted = (*wanted, "HashRate")
        growth = np.exp(np.arange(count) / 365.25 * 0.35)
        values["HashRate"] = (
            4.6e8 * spec.price / 34_500 * growth * np.exp(0.04 * rng.standard_normal(count))
        )
    if spec.chain is not None:
        # drawn last, so that it moves no other number of the market
        wanted = (*wanted, "TxTfrValAdjUSD")
        values["TxTfrValAdjUSD"] = (
            0.02 * cap * interest * weekly * np.exp(0.25 * rng.standard_normal(count))
        )
    if spec.asset_id in _WITH_REALISED:
        wanted = (*wanted, "CapMVRVCur")
        values["CapMVRVCur"] = cap / _realised(cap)
    return [
        MetricSeries(spec.asset_id, str(spec.coinmetrics_id), name, 0, values[name])
        for name in sorted(wanted)
    ]


def _estimates(
    settings: GeneratorSettings, spec: AssetSpec, path: Path, supply: Series
) -> list[MetricSeries]:
    """Return what Coin Metrics says without reading a ledger: a rate, and the estimated cap.

    The cap of a label is at the rate of the next one: the end of the label's day.
    """
    if spec.is_made_up or spec.estimated_as is None:
        return []
    days = slice(path.first, min(path.last + 1, settings.day_count))
    rng = salted(settings.seed, "estimates", spec.asset_id)
    # not quite what others count
    off = np.exp(0.002 * rng.standard_normal())
    close = path.close[: settings.day_count]
    rate = np.concatenate([path.open[:1], close[:-1]])
    values = {"CapMrktEstUSD": close * supply[: settings.day_count] * off}
    if spec.coinmetrics_id is None:
        values["ReferenceRateUSD"] = rate
    return [
        MetricSeries(spec.asset_id, spec.estimated_as, name, path.first, values[name][days])
        for name in sorted(values)
    ]


def _realised(cap: Series) -> Series:
    """Return a realised capitalisation: coins are marked to market as they move, a few a day."""
    realised = np.empty_like(cap)
    level = 0.62 * cap[0]
    for day, now in enumerate(cap):
        level += 0.006 * (now - level)
        realised[day] = level
    return realised


def metrics_frame(series: list[MetricSeries], start: date) -> pl.DataFrame:
    """Return network_metrics as the layout has it, without versions."""
    counts = [len(one.values) for one in series]
    days = np.concatenate([np.arange(one.first, one.first + len(one.values)) for one in series])
    return pl.DataFrame(
        {
            "asset": np.repeat([one.asset for one in series], counts),
            "day": days,
            "metric": np.repeat([one.metric for one in series], counts),
            "value": np.concatenate([one.values for one in series]),
        }
    ).with_columns(day=pl.lit(start) + pl.duration(days=pl.col("day")))
