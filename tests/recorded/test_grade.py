"""What the page of research says of the trader grade on recorded bars is what the bench finds."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.analytics.quality import judge_all, outcome
from pipelines.core.settings import REPO_DIR
from pipelines.research import bench
from pipelines.research.panel import read_panel
from pipelines.research.report import headline

SEEDS = REPO_DIR / "dbt" / "seeds"
PAGE = (REPO_DIR / "docs" / "research" / "README.md").read_text(encoding="utf-8")
UNIVERSES = ("all", "top_50", "top_20")
HORIZON_D = 7


@pytest.fixture(scope="module")
def quality(shared_data: Path) -> pl.DataFrame:
    """What the grade of the seeds said on these bars, and nothing else of the bench."""
    bars = shared_data / "binance_daily_bars_2021_2022" / "daily.parquet"
    panel = read_panel(bars, seeds=SEEDS)
    parameters = replace(bench.PARAMETERS, horizons_d=(HORIZON_D,))
    after = outcome(panel.closes, HORIZON_D, skip_d=parameters.skip_d)
    grades = [("grade", name, x) for name, x in bench.computed_grade(panel, SEEDS).items()]
    universes = {name: panel.universes[name] for name in UNIVERSES}
    return judge_all(panel.grid, grades, [after], universes, parameters)


def test_the_page_has_the_figures_of_the_bench(quality: pl.DataFrame) -> None:
    found = []
    for universe in UNIVERSES:
        (row,) = headline(quality, HORIZON_D, universe).rows(named=True)
        percent = {
            name: f"{100 * row[name]:+.2f}" for name in row if name.endswith(("ret", "low", "high"))
        }
        found.append(
            f"{row['ic']:+.3f} ({row['t']:.1f}) | {100 * row['spread_median_ret']:+.1f} % "
            f"| {percent['spread_ret']} % | {percent['spread_net_ret']} % "
            f"({percent['net_low']} to {percent['net_high']}) | {row['turnover_frac']:.2f}"
        )
    table = PAGE.partition("## What the recorded bars say")[2]
    rows = [line.replace("*", "") for line in table.splitlines() if line.startswith("| ")]
    first = next(
        number for number, line in enumerate(rows) if line.startswith("| `trader_grade` |")
    )
    said = [line.split(" | ", 2)[2].removesuffix(" |") for line in rows[first : first + 3]]
    assert said == found, "docs/research/README.md says otherwise"


def test_the_page_has_each_fifth_gross_and_net(quality: pl.DataFrame) -> None:
    table = PAGE.partition("| | worst | second | third | fourth | best |")[2].partition("\n\n")[0]
    said = [re.findall(r"[+-]\d+\.\d\d", line) for line in table.splitlines() if "%" in line]
    fifths = quality.filter(pl.col("period") == "all", pl.col("quantile") > 0).sort("quantile")
    found = [
        [
            f"{100 * value:+.2f}"
            for value in fifths.filter(universe=universe, statistic=statistic)["statistic_value"]
        ]
        for universe in UNIVERSES
        for statistic in ("quantile_ret", "quantile_net_ret")
    ]
    assert said == found, "docs/research/README.md says otherwise"


@pytest.mark.parametrize(("universe", "least_ic"), [("all", 0.09), ("top_50", 0.11)])
def test_the_grade_ranks(quality: pl.DataFrame, universe: str, least_ic: float) -> None:
    """In every calendar year, and beyond its error."""
    rows = quality.filter(pl.col("universe") == universe, pl.col("quantile") == 0)
    ic = rows.filter(statistic="ic").sort("period")
    whole = ic.filter(period="all").row(0, named=True)
    assert whole["statistic_value"] >= least_ic
    assert whole["t_stat"] >= 6
    years = ic.filter(pl.col("period") != "all")
    assert years.height == 2
    assert years["statistic_value"].min() > 0
    median = rows.filter(statistic="spread_median_ret", period="all")["statistic_value"].item()
    assert median >= 0.01
