"""Seconds, CPU seconds and peak memory of each analytics function at a given size.

    python -m benchmarks.analytics --assets 300 --years 8

Each function runs in a process of its own, so that its peak memory is its own. The input is a
random-walk market with bars, gaps and listings; the peak of a process that only builds the input
is printed first, to be taken off.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.analytics import (
    alerts,
    calendar,
    crosses,
    depeg,
    levels,
    momentum,
    moving,
    oscillators,
    ranges,
    regime,
    risk,
    scoring,
    signals,
    technical,
    volume,
)
from pipelines.analytics.grade_seeds import grade_parameters
from pipelines.analytics.parameters import Parameters, from_seed, newest_version

SEEDS = Path(__file__).parents[1] / "dbt/seeds"
GAP = 7


def seed(name: str) -> pl.DataFrame:
    """A seed of the product: what is measured is what runs."""
    (path,) = SEEDS.rglob(f"{name}.csv")
    return pl.read_csv(path)


def seeded(kind: type[Parameters], name: str, *others: str) -> Parameters:
    """Parameters of the seed's newest version, without the columns that are others'."""
    values = newest_version(seed(name))
    return from_seed(kind, {key: value for key, value in values.items() if key not in others})


GRADE = grade_parameters(
    "trader_grade",
    grades=seed("cfg_grade"),
    groups=seed("cfg_grade_group"),
    factors=seed("cfg_grade_factor"),
    labels=seed("cfg_grade_label"),
)
TECHNICAL = seeded(
    technical.TechnicalParameters, "cfg_technical", "min_week_days", "xsmom_min_assets"
)
LEVELS = seeded(levels.LevelParameters, "cfg_level", "max_pivots_per_side")
SIGNAL = seeded(signals.SignalParameters, "cfg_signal", "cost_bps")
DEPEG = from_seed(
    depeg.DepegParameters,
    seed("cfg_depeg")
    .filter(pl.col("peg_class") == "usd")
    .drop("peg_class", "version")
    .row(0, named=True),
)


def market(assets: int, years: int) -> pl.DataFrame:
    """A random-walk market; one row in two hundred is missing."""
    rng = np.random.default_rng(20260101)
    days = years * 365 + years // 4
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.04, (assets, days)), axis=1))
    opens = np.concatenate([closes[:, :1], closes[:, :-1]], axis=1)
    wick = np.abs(rng.normal(0, 0.02, (2, assets, days)))
    start = date(2018, 1, 1)
    frame = pl.DataFrame(
        {
            "asset_id": np.repeat([f"asset-{i:04d}" for i in range(assets)], days),
            "day": [start + timedelta(days=d) for d in range(days)] * assets,
            "open_usd": opens.ravel(),
            "high_usd": (np.maximum(opens, closes) * (1 + wick[0])).ravel(),
            "low_usd": (np.minimum(opens, closes) * (1 - np.minimum(wick[1], 0.9))).ravel(),
            "close_usd": closes.ravel(),
            "volume_usd": np.exp(rng.normal(15, 1, assets * days)),
            "in_universe": np.ones(assets * days, dtype=bool),
            "is_dead": np.zeros(assets * days, dtype=bool),
            "price_quality": np.repeat("ok", assets * days),
            "trader_grade": np.clip(50 + rng.normal(0, 18, assets * days), 0, 100),
            **{f.name: rng.normal(size=assets * days) for f in GRADE.factors},
        }
    )
    return frame.filter(pl.Series(rng.random(frame.height) > 0.005))


def coins(assets: int, years: int) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    days = years * 365
    start = date(2018, 1, 1)
    deviation = np.where(rng.random(assets * days) < 0.02, 120, 0) + rng.normal(
        0, 30, assets * days
    )
    return pl.DataFrame(
        {
            "stablecoin_id": np.repeat([f"coin-{i:04d}" for i in range(assets)], days),
            "day": [start + timedelta(days=d) for d in range(days)] * assets,
            "dev_bps": deviation,
            "dev_low_bps": deviation - 20,
            "is_eligible": np.ones(assets * days, dtype=bool),
        }
    ).with_columns(pl.lit(None, dtype=pl.Date).alias("dead_from"))


def members(frame: pl.DataFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Twelve narratives; each asset in one of them."""
    number = pl.col("asset_id").str.slice(-4).cast(pl.Int32) % 12
    rows = frame.select(
        pl.format("narrative-{}", number).alias("narrative_id"),
        "asset_id",
        "day",
        pl.lit(1.0).alias("membership_weight"),
    )
    prices = frame.select(
        "asset_id",
        "day",
        "close_usd",
        (pl.col("close_usd") * 1e7).alias("mcap_usd"),
        pl.lit(None, dtype=pl.Date).alias("dead_from"),
    )
    return rows.lazy(), prices.lazy()


def baskets(frame: pl.DataFrame) -> pl.LazyFrame:
    rows, prices = members(frame)
    weights = regime.basket_weights(rows, prices, cap=0.25, min_members=3)
    return regime.basket_index(weights, base_level=1000, min_members=3)


def crossings(frame: pl.DataFrame) -> pl.LazyFrame:
    found = levels.levels(frame.lazy(), LEVELS).collect().lazy()
    with_range = ranges.atr(frame.lazy(), n=14, max_gap_d=GAP)
    return alerts.level_crosses(
        found, with_range, alerts.LevelCrossParameters(rearm_atr=0.5), atr="atr_14"
    )


def graded(frame: pl.DataFrame) -> pl.LazyFrame:
    scored = scoring.score_factors(frame.lazy(), GRADE)
    return scoring.assemble_grade(scored, GRADE)


CASES: dict[str, Callable[[pl.DataFrame], pl.LazyFrame]] = {
    "input only": lambda f: f.lazy().select(pl.len()),
    "calendar.dense": lambda f: calendar.dense(f.lazy()),
    "moving.sma 200": lambda f: moving.sma(f.lazy(), n=200),
    "moving.ema 26": lambda f: moving.ema(f.lazy(), n=26, max_gap_d=GAP),
    "moving.macd": lambda f: moving.macd(f.lazy(), fast=12, slow=26, signal=9, max_gap_d=GAP),
    "oscillators.rsi 14": lambda f: oscillators.rsi(f.lazy(), n=14, max_gap_d=GAP),
    "ranges.atr 14": lambda f: ranges.atr(f.lazy(), n=14, max_gap_d=GAP),
    "ranges.bollinger 20": lambda f: ranges.bollinger(f.lazy(), n=20, deviations=2),
    "ranges.donchian 20": lambda f: ranges.donchian(f.lazy(), n=20),
    "crosses.cross": lambda f: crosses.cross(
        f.lazy(), fast="open_usd", slow="close_usd", alias="cross", max_gap_d=GAP
    ),
    "momentum.tsmom": lambda f: momentum.tsmom(
        f.lazy(), horizons=(28, 90), vol_d=90, min_obs=60, sd_floor=1e-9
    ),
    "volume.volume_z": lambda f: volume.volume_z(f.lazy(), n=30, min_obs=24, sd_floor=1e-9),
    "technical.technical (all of these)": lambda f: technical.technical(f.lazy(), TECHNICAL),
    "risk.max_drawdown 365": lambda f: risk.max_drawdown(
        f.lazy(), window=risk.Window(days=365, min_obs=30)
    ),
    "risk.ewma_volatility": lambda f: risk.ewma_volatility(
        risk.returns(f.lazy()), decay=0.94, seed_obs=30, max_gap_d=GAP, days_per_year=365
    ),
    "levels.swings": lambda f: levels.swings(f.lazy(), bars=5),
    "levels.levels, 3 a side": lambda f: levels.levels(f.lazy(), LEVELS),
    "levels.levels, all": lambda f: levels.levels(f.lazy(), replace(LEVELS, max_per_side=None)),
    "levels.pivot_levels": lambda f: levels.pivot_levels(f.lazy(), min_week_days=1),
    "scoring.score_factors": lambda f: scoring.score_factors(f.lazy(), GRADE),
    "scoring, up to the grade": graded,
    "scoring, up to the components": lambda f: scoring.grade_components(graded(f), GRADE),
    "signals.signals": lambda f: signals.signals(f.lazy(), SIGNAL),
    "signals.performance": lambda f: signals.performance(
        f.lazy().with_columns((pl.col("trader_grade") > 60).cast(pl.Int8).alias("signal")),
        cost_bps=10,
    ),
    "depeg.depeg_log": lambda f: depeg.depeg_log(
        coins(f["asset_id"].n_unique(), max(f.height // 365 // f["asset_id"].n_unique(), 1)).lazy(),
        DEPEG,
    ),
    "alerts.level_crosses (levels included)": crossings,
    "regime.confirmed": lambda f: regime.confirmed(
        f.lazy().with_columns((pl.col("trader_grade") > 50).cast(pl.String).alias("label")),
        entity="asset_id",
        label="label",
        days=3,
    ),
    "regime.baskets, 12 narratives": baskets,
}


def measure(name: str, assets: int, years: int) -> dict[str, float]:
    frame = market(assets, years)
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = CASES[name](frame).collect().height
    seconds = time.perf_counter() - began
    cpu = time.process_time() - began_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": cpu, "rows": rows, "peak_mb": peak_mb}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=300)
    parser.add_argument("--years", type=int, default=8)
    parser.add_argument("--only", help="part of the names to run")
    parser.add_argument("--case", help="measure this one in this process and print JSON")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.assets, options.years)))
        return
    print(f"{options.assets} assets x {options.years} years")
    print(f"{'function':<42}{'seconds':>9}{'CPU s':>9}{'rows':>12}{'peak MB':>10}")
    for name in CASES:
        if options.only and options.only not in name:
            continue
        sizes = ["--assets", str(options.assets), "--years", str(options.years)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.analytics", "--case", name, *sizes],
            check=True,
            capture_output=True,
            text=True,
        )
        result = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:<42}{result['seconds']:>9.2f}{result['cpu']:>9.2f}"
            f"{result['rows']:>12,}{result['peak_mb']:>10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
