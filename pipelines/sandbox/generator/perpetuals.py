"""Perpetual contracts of the larger assets: funding that follows the market, and open interest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.sandbox.generator.cast import Cast
from pipelines.sandbox.generator.defects import World
from pipelines.sandbox.generator.paths import Path
from pipelines.sandbox.generator.returns import Series, salted
from pipelines.sandbox.generator.settings import GeneratorSettings
from pipelines.sandbox.generator.venues import ar1

_SHARE: Mapping[str, float] = {"binance_futures": 0.55, "okx": 0.20, "bybit": 0.25}
# units of the base in a contract, where one is not a unit
_CONTRACT_SIZE: Mapping[str, float] = {"okx": 0.01}
_USUAL_H = 8
_SHORTER_H = 4
_CHANGE_HOUR = 12
# the interval of this asset (by size) changes
_CHANGED_RANK = 2
_USUAL_RATE = 0.0001
_RATE_CAP = 0.0075

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Contract:
    venue: str
    symbol: str
    base: str
    base_code: str
    first: int
    last: int | None


def perpetual_tables(
    world: World, paths: Mapping[str, Path], turnover: Mapping[str, Series]
) -> dict[str, pl.DataFrame]:
    """Return the tables `perpetuals`, `funding` and `open_interest`, and note what is planted."""
    settings = world.settings
    contracts = _contracts(settings, world.cast, paths)
    if not contracts:
        return {}
    changed = _eligible(settings, world.cast)[_CHANGED_RANK:][:1]
    funding, interest = [], []
    for contract in contracts:
        hours = _settlement_hours(world, contract, is_changed=contract.base in changed)
        funding.append(_funding(world, contract, paths[contract.base], hours))
        interest.append(
            _open_interest(world, contract, paths[contract.base], turnover[contract.base])
        )
    day = world.plan.funding_change
    for contract in contracts:
        if contract.base in changed:
            world.note(
                "F-19", f"{contract.venue}:{contract.symbol}", day, day,
                "funding is settled every 8 hours until 08:00, and every 4 hours from 12:00 on",
                "the interval is a property of each settlement: rates of both are comparable only "
                "per 8 hours, and the day's sum has five of them",
            )  # fmt: skip
    return {
        "perpetuals": _listed(world, contracts),
        "funding": pl.concat(funding).sort("venue", "symbol", "funding_time"),
        "open_interest": pl.concat(interest).sort("venue", "symbol", "ts"),
    }


def _eligible(settings: GeneratorSettings, cast: Cast) -> list[str]:
    """Return the largest assets that are no scenario's part."""
    named = [
        spec.asset_id
        for spec in cast.assets
        if not spec.asset_id.startswith("sandbox-") and spec.asset_class in ("coin", "token")
    ]
    return named[: settings.perpetuals]


def _contracts(
    settings: GeneratorSettings, cast: Cast, paths: Mapping[str, Path]
) -> list[_Contract]:
    codes = {spec.asset_id: spec.code for spec in cast.assets}
    return [
        _Contract(
            venue=venue,
            symbol=f"{codes[base]}-USDT-SWAP" if venue == "okx" else f"{codes[base]}USDT",
            base=base,
            base_code=codes[base],
            first=paths[base].first,
            last=None if paths[base].last == settings.day_count else paths[base].last,
        )
        for base in _eligible(settings, cast)
        for venue in _SHARE
    ]


def _settlement_hours(world: World, contract: _Contract, *, is_changed: bool) -> Ints:
    """Return the hours since the first day's start at which the contract settles."""
    last = world.settings.day_count if contract.last is None else contract.last
    first_h, end_h = contract.first * 24, (last + 1) * 24
    if not is_changed:
        return np.arange(first_h + _USUAL_H, end_h, _USUAL_H)
    change_h = world.plan.funding_change * 24 + _CHANGE_HOUR
    return np.concatenate(
        [
            np.arange(first_h + _USUAL_H, change_h, _USUAL_H),
            np.arange(change_h, end_h, _SHORTER_H),
        ]
    )


def _funding(world: World, contract: _Contract, path: Path, hours: Ints) -> pl.DataFrame:
    rng = salted(world.settings.seed, "funding", contract.venue, contract.base)
    day, hour = hours // 24, hours % 24
    mark = _price(path, day, hour / 24) * np.exp(2e-4 * rng.standard_normal(len(hours)))
    # longs pay more after a rise, and get paid after a fall
    before = np.maximum(day - 7, path.first)
    trend = np.tanh(np.log(path.open[day] / path.open[before]) / 0.15)
    per_usual = _USUAL_RATE + 2.5e-4 * trend + ar1(rng, len(hours), 0.9, 8e-5)
    interval = np.diff(hours, prepend=hours[0] - _USUAL_H)
    rate = np.clip(per_usual * interval / _USUAL_H, -_RATE_CAP, _RATE_CAP)
    predicted = rate + 1e-6 * rng.standard_normal(len(hours))
    return _rows(contract).join(
        pl.DataFrame(
            {
                "funding_time": _instants(world, hours),
                "rate": np.round(rate, 8),
                "predicted_rate": np.round(predicted, 8),
                "interval_h": interval.astype(np.float64),
                "mark_price": np.round(mark, 8),
            }
        ),
        how="cross",
    )


def _open_interest(world: World, contract: _Contract, path: Path, turnover: Series) -> pl.DataFrame:
    rng = salted(world.settings.seed, "open interest", contract.venue, contract.base)
    last = world.settings.day_count if contract.last is None else contract.last
    days = np.arange(contract.first, last + 1)
    # positions outlast the day's turnover
    level = np.convolve(turnover[days], np.full(14, 1 / 14), mode="full")[: len(days)]
    level[:13] = turnover[days][:13].mean()
    usd = 0.5 * _SHARE[contract.venue] * level * np.exp(ar1(rng, len(days), 0.95, 0.15))
    price = path.open[days]
    return _rows(contract).join(
        pl.DataFrame(
            {
                "ts": _instants(world, days * 24),
                "open_interest": np.round(usd / price, 4),
                "open_interest_value": np.round(np.round(usd / price, 4) * price, 4),
            }
        ),
        how="cross",
    )


def _price(path: Path, day: Ints, part: Series) -> Series:
    """Return the price at a part of the day: on the line from its open to its close."""
    price: Series = path.open[day] + (path.close[day] - path.open[day]) * part
    return price


def _instants(world: World, hours: Ints) -> pl.Series:
    start = int(datetime.combine(world.settings.start, time(), tzinfo=UTC).timestamp())
    seconds = pl.Series(start + hours * 3600)
    return pl.from_epoch(seconds, time_unit="s").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _rows(contract: _Contract) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "venue": [contract.venue],
            "symbol": [contract.symbol],
            "known_at": [None],
            "is_deleted": [False],
        },
        schema_overrides={"known_at": pl.Datetime("us", "UTC")},
    )


def _listed(world: World, contracts: list[_Contract]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "venue": contract.venue,
            "symbol": contract.symbol,
            "base_code": contract.base_code,
            "quote_code": "USDT",
            "base_asset_id": contract.base,
            "quote_asset_id": "tether",
            "listed_day": world.day(contract.first),
            "delisted_day": None if contract.last is None else world.day(contract.last),
            "contract_size": _CONTRACT_SIZE.get(contract.venue),
            "known_at": None,
            "is_deleted": False,
        }
        for contract in contracts
    ]
    return pl.DataFrame(
        rows,
        schema_overrides={
            "delisted_day": pl.Date,
            "contract_size": pl.Float64,
            "known_at": pl.Datetime("us", "UTC"),
        },
    ).sort("venue", "symbol")
