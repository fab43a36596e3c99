"""The research bench and the backtest of all rules, measured: what a person waits for.

    python -m benchmarks.research --assets 300 --years 8

The market is a random walk with gaps. The bench judges 40 factors of the catalogue, the trader
grade and a trial of each factor, among all universes and over all horizons; the backtest trades
each rule of ``cfg_strategy``. Each runs in a process of its own. Seconds of the clock stand beside
those of processors, for others may work on the machine; the ratio is the clock's to its goal.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks.analytics import SEEDS, market, seed
from pipelines.analytics import strategies
from pipelines.analytics.excursions import ExcursionParameters, excursions
from pipelines.research import bench
from pipelines.research.panel import read_panel
from pipelines.research.trials import Trial

FACTOR_COUNT = 40
GOALS_S = {"bench": 60, "backtest": 30}


def judged(frame: pl.DataFrame) -> Callable[[], int]:
    """The bench from a file of bars to its findings."""
    with TemporaryDirectory() as folder:
        bars = Path(folder) / "bars.parquet"
        frame.select(
            "day",
            symbol="asset_id",
            high="high_usd",
            low="low_usd",
            close="close_usd",
            volume_quote="volume_usd",
        ).write_parquet(bars)
        panel = read_panel(bars, seeds=SEEDS)

    def run() -> int:
        panel.with_factors()
        for name in list(panel.factors)[FACTOR_COUNT:]:
            del panel.factors[name]
        trials = [Trial(name, {name: 1}) for name in panel.factors]
        return bench.run(panel, trials, seeds=SEEDS).quality.height

    return run


def traded(frame: pl.DataFrame) -> Callable[[], int]:
    """Every rule of the seed on the same bars; a fifth of the signals is long, a fifth short."""
    chance = np.random.default_rng(3)
    bars = frame.with_columns(
        pl.lit(value=True).alias("is_member"),
        pl.col("volume_usd").rank("ordinal", descending=True).over("day").alias("universe_rank"),
        pl.col("volume_usd").alias("volume_median_30d_usd"),
        pl.Series("signal", chance.integers(-2, 3, frame.height)).clip(-1, 1),
        pl.lit(1e-4).alias("funding_frac"),
        pl.lit(value=True).alias("is_shortable"),
        (pl.col("close_usd") * 0.05).alias("atr_usd"),
        pl.col("asset_id").replace({"asset-0000": "bitcoin"}),
    )
    parameters = ExcursionParameters.from_plan(seed("cfg_plan"))

    def run() -> int:
        usual = excursions(bars.lazy(), parameters).collect()
        market_of_rules = bars.join(usual, on=["asset_id", "day"])
        return strategies.ledgers(market_of_rules, seed("cfg_strategy")).height

    return run


CASES = {"bench": judged, "backtest": traded}


def measure(name: str, assets: int, years: int) -> dict[str, float]:
    """Rows, seconds of the clock and of processors, and peak memory of one case."""
    run = CASES[name](market(assets, years))
    began, began_cpu = time.perf_counter(), time.process_time()
    rows = run()
    return {
        "rows": rows,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - began_cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure each case and print a line for it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.research", description=__doc__)
    parser.add_argument("--assets", type=int, default=300)
    parser.add_argument("--years", type=int, default=8)
    parser.add_argument("--case", choices=CASES, help="measure this one here and print JSON")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options.case, options.assets, options.years)))
        return
    print(f"{options.assets} assets x {options.years} years x {FACTOR_COUNT} factors")
    print(f"{'':<10}{'rows':>10}{'seconds':>9}{'CPU s':>8}{'peak MiB':>10}{'of goal':>9}")
    for name, goal in GOALS_S.items():
        sizes = ["--assets", str(options.assets), "--years", str(options.years)]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.research", "--case", name, *sizes],
            check=True,
            capture_output=True,
            text=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:<10}{found['rows']:>10,}{found['seconds']:>9.1f}{found['cpu']:>8.1f}"
            f"{found['peak_mib']:>10,.0f}{found['seconds'] / goal:>9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
