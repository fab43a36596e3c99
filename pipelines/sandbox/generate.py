"""Make a market that looks real, and know the truth about it.

The same settings give the same files. What is made up follows known markets in its statistics
(correlations, fat tails, regimes, venues that disagree by a few basis points), and has the defects
that real sources have, each listed in `dataset.json`.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.core.files import sync_tree
from pipelines.sandbox.dataset import LAYOUT_VERSION, META_FILE, TABLES
from pipelines.sandbox.generator.cast import Cast, cast_for
from pipelines.sandbox.generator.coins import coin_tables
from pipelines.sandbox.generator.contracts import contract_tables
from pipelines.sandbox.generator.defects import Tags, World, plant
from pipelines.sandbox.generator.defi import defi_tables
from pipelines.sandbox.generator.metrics import metric_series, metrics_frame, supplies_of
from pipelines.sandbox.generator.paths import Path as PricePath
from pipelines.sandbox.generator.paths import true_paths
from pipelines.sandbox.generator.perpetuals import perpetual_tables
from pipelines.sandbox.generator.plan import Plan
from pipelines.sandbox.generator.reference import reference_tables
from pipelines.sandbox.generator.settings import GeneratorSettings
from pipelines.sandbox.generator.stables import (
    balances_frame,
    prices_frame,
    stable_supplies,
    stablecoins_frame,
)
from pipelines.sandbox.generator.venues import Market, fill_candles, markets_of, turnover_of

__all__ = ["GenerateError", "GeneratorSettings", "generate"]

_VERSION = {"known_at": pl.Datetime("us", "UTC"), "is_deleted": pl.Boolean()}


class GenerateError(Exception):
    """The target folder holds something that is not a dataset."""


def generate(settings: GeneratorSettings, out: Path) -> Path:
    """Generate a market and write it as a dataset folder.

    Args:
        settings: seed, window and sizes.
        out: the folder to write; an earlier dataset in it is replaced once the new one is whole.

    Returns:
        The folder.

    Raises:
        GenerateError: `out` exists and holds something else than a dataset.
    """
    if out.exists() and not (out / META_FILE).is_file() and any(out.iterdir()):
        raise GenerateError(f"{out} is not empty and is no dataset: nothing was written")
    tables, meta = _make(settings)
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    for name, frame in tables.items():
        target = beside / f"{name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        layout = TABLES[name].schema
        frame.select(pl.col(column).cast(dtype) for column, dtype in layout.items()).write_parquet(
            target
        )
    # last: a folder with it is a whole one
    (beside / META_FILE).write_text(
        json.dumps(meta, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    if out.exists():
        shutil.rmtree(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    sync_tree(beside)
    beside.rename(out)
    return out


def _make(settings: GeneratorSettings) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    cast, plan = cast_for(settings), Plan.of(settings)
    paths = true_paths(settings, cast, plan, np.random.default_rng(settings.seed))
    turnover = turnover_of(settings, cast, paths, plan)
    markets = markets_of(settings, cast, paths, plan)
    for market in markets:
        fill_candles(market, settings, paths, turnover)
    supplies = supplies_of(settings, cast, plan) | stable_supplies(settings, cast, plan)
    price_tags = {
        asset_id: _tags(path, settings.day_count)
        for asset_id, path in paths.items()
        if any(market.base == asset_id for market in markets)
    }
    world = World(
        settings=settings,
        cast=cast,
        plan=plan,
        markets=markets,
        metrics=_versioned(
            metrics_frame(metric_series(settings, cast, paths, supplies), settings.start)
        ),
        stablecoins=_versioned(stablecoins_frame(cast)),
        balances=_versioned(balances_frame(settings, cast, supplies, plan)),
        price_tags=price_tags,
        supply_tags={
            asset_id: np.full(settings.day_count, "ok", dtype=object) for asset_id in supplies
        },
    )
    plant(world)
    contracts = perpetual_tables(world, paths, turnover)
    # CoinGecko and the chain know the defects of supplies as little as the truth does
    unversioned = {
        **coin_tables(world, paths, turnover, supplies),
        **contract_tables(world, supplies),
        **reference_tables(world, paths),
    }
    protocols = defi_tables(world, paths)
    world.scenarios.sort(key=lambda one: (int(one.id.split("-")[1]), one.from_, one.entity))
    tables = {
        **contracts,
        **protocols,
        **{name: _versioned(frame) for name, frame in unversioned.items()},
        "assets": _assets(cast),
        "markets": _markets(world),
        "candles": _candles(world),
        "network_metrics": world.metrics.sort("asset", "metric", "day", "known_at"),
        "stablecoins": world.stablecoins.sort("stablecoin_id", "known_at"),
        "stablecoin_daily": world.balances.sort("stablecoin_id", "chain", "day", "known_at"),
        "prices": _versioned(prices_frame(settings, cast, paths)).sort("coin", "ts"),
        "token_events": pl.DataFrame(
            world.events,
            schema_overrides={"ratio": pl.Float64, "successor_asset_id": pl.String},
        ).sort("asset_id", "effective_day"),
        "truth/price": pl.concat(
            _truth(asset_id, "close_usd", paths[asset_id].close, tags, settings)
            for asset_id, tags in price_tags.items()
        ).sort("asset_id", "day"),
        "truth/supply": pl.concat(
            _truth(asset_id, "supply", supplies[asset_id], world.supply_tags[asset_id], settings)
            for asset_id in supplies
        ).sort("asset_id", "day"),
    }
    now = datetime.combine(settings.end + timedelta(days=1), time(6), tzinfo=UTC)
    meta = {
        "layout_version": LAYOUT_VERSION,
        "name": settings.name,
        "description": "Made up by the sandbox's generator; no value is a real one.",
        "start": settings.start.isoformat(),
        "end": settings.end.isoformat(),
        "now": now.isoformat(),
        "seed": settings.seed,
        "settings": settings.model_dump(mode="json"),
        "effects": [effect.model_dump(mode="json") for effect in settings.effects.truth()],
        "scenarios": [
            scenario.model_dump(mode="json", by_alias=True) for scenario in world.scenarios
        ],
    }
    return tables, meta


def _versioned(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        known_at=pl.lit(None, dtype=_VERSION["known_at"]), is_deleted=pl.lit(value=False)
    )


def _tags(path: PricePath, count: int) -> Tags:
    tags = np.full(count, "", dtype=object)
    tags[path.first : path.last + 1] = "ok"
    return tags


def _truth(
    asset_id: str, column: str, values: Any, tags: Tags, settings: GeneratorSettings
) -> pl.DataFrame:
    count = settings.day_count
    day = pl.lit(settings.start) + pl.duration(days=pl.col("day"))
    return (
        pl.DataFrame(
            {
                "asset_id": [asset_id] * count,
                "day": np.arange(count),
                column: values[:count],
                "tag": tags.tolist(),
            }
        )
        .with_columns(day=day)
        .filter(pl.col("tag") != "")
    )


def _assets(cast: Cast) -> pl.DataFrame:
    rows = [
        {
            "asset_id": spec.asset_id,
            "symbol": spec.code,
            "name": spec.name,
            "asset_class": spec.asset_class,
            "coinmetrics_id": spec.estimated_as,
            "coingecko_id": None if spec.is_made_up else spec.asset_id,
        }
        for spec in (*cast.assets, *cast.gold)
    ]
    rows += [
        {
            "asset_id": spec.asset_id,
            "symbol": spec.code,
            "name": spec.name,
            "asset_class": "stablecoin",
            "coinmetrics_id": spec.coinmetrics_id,
            "coingecko_id": spec.asset_id,
        }
        for spec in cast.stables
    ]
    rows += [
        {
            "asset_id": asset_id,
            "symbol": symbol,
            "name": name,
            "asset_class": "fiat",
            "coinmetrics_id": None,
            "coingecko_id": None,
        }
        for asset_id, symbol, name in (
            ("fiat-usd", "USD", "US dollar"),
            ("fiat-eur", "EUR", "Euro"),
        )
    ]
    return _versioned(pl.DataFrame(rows, infer_schema_length=None))


def _markets(world: World) -> pl.DataFrame:
    frame = pl.DataFrame(
        [
            {
                "venue": market.venue,
                "symbol": market.symbol,
                "base_code": market.base_code,
                "quote_code": market.quote_code,
                "base_asset_id": market.base,
                "quote_asset_id": market.quote,
                "listed_day": world.day(market.first),
                "delisted_day": None if market.last is None else world.day(market.last),
                "status": None,
            }
            for market in world.markets
        ],
        schema_overrides={"delisted_day": pl.Date, "status": pl.String},
    )
    return _versioned(frame).sort("venue", "symbol", "listed_day")


def _candles(world: World) -> pl.DataFrame:
    markets = world.markets
    counts = [len(market.days) for market in markets]

    def column(name: str) -> Any:
        return np.concatenate([getattr(market, name) for market in markets])

    start = datetime.combine(world.settings.start, time(), tzinfo=UTC)
    known = pl.from_epoch("known_us", time_unit="us").dt.replace_time_zone("UTC")
    return (
        pl.DataFrame(
            {
                "venue": np.repeat([market.venue for market in markets], counts),
                "symbol": np.repeat([market.symbol for market in markets], counts),
                **{name: column(name) for name in Market.ROWS},
            }
        )
        .with_columns(
            interval=pl.lit("1d"),
            open_time=pl.lit(start) + pl.duration(days=pl.col("days")),
            known_at=pl.when(pl.col("known_us") >= 0).then(known),
        )
        .sort("venue", "symbol", "open_time", "known_at")
    )
