"""`python -m benchmarks.sources`: for each source rows landed, requests against plan, statements.

Every source is asked for all days of a generated market, and then for the newest day alone, each
with its look-back, from a sandbox. Statements are those of the wire formats that a test holds us
to (`tests/sources/statements.csv`), errors the answers that are known to go wrong (`errors.csv`).
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Column, Table

from pipelines.core.settings import REPO_DIR, Settings
from pipelines.core.windows import FixedClock, Window
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate
from pipelines.sources import source
from pipelines.sources.binance import plan

STATEMENTS = REPO_DIR / "tests" / "sources" / "statements.csv"
ERRORS = REPO_DIR / "tests" / "sources" / "errors.csv"
# what a backfill by files is measured with
PAIRS, YEARS, BULK_INTERVAL = 50, (date(2020, 1, 1), date(2024, 12, 31)), "1m"


def main() -> None:
    """Land every source from the sandbox, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sources", description=__doc__)
    parser.add_argument("--dataset", type=Path, help="a dataset folder; default: a new market")
    parser.add_argument("--statements", action="store_true", help="list them, and land nothing")
    arguments = parser.parse_args()
    console = Console(width=150)
    if arguments.statements:
        console.print(_statements())
        return
    with TemporaryDirectory() as folder:
        dataset = arguments.dataset or generate(
            GeneratorSettings(name="sources", venues=6), Path(folder) / "market"
        )
        console.print(_landed(dataset, Path(folder) / "data"))
    console.print(_bulk())


def _landed(dataset: Path, data_dir: Path) -> Table:
    market = load(dataset)
    history, day = Window.between(market.start, market.end), Window.of_day(market.end)
    covered = Counter(line["source"] for line in lines(STATEMENTS))
    # the files of Binance are a host of their own
    failing = Counter(line["source"].removesuffix("_files") for line in lines(ERRORS))
    grid = Table(
        Column("source", no_wrap=True), "rows", "requests", "planned", "bound", "a day: rows",
        "requests", "planned", "quarantined", "live, s a day", "statements", "errors",
        title=f"{market.meta.name}: {history}, then {day} again; look-back included",
    )  # fmt: skip
    clock = FixedClock(market.now)
    with SandboxServer(dataset) as server:
        settings = Settings(
            data_dir=data_dir, sandbox_url=server.url, dataset=dataset, curation_dir=dataset
        )
        totals: Counter[int] = Counter()
        for name in market.sources:
            whole = landing.land(name, history, settings, clock, "history")
            write_catalog(settings)
            daily = landing.land(name, day, settings, clock, "day")
            problems = [*whole.failures, *daily.failures]
            if problems:
                raise SystemExit(f"{name}: {problems[0]}")
            pace = source(name).budget
            seconds = max(0, daily.requests - pace.burst) / pace.requests_per_second
            figures = (
                sum(whole.rows.values()), whole.requests, whole.planned, whole.bound,
                sum(daily.rows.values()), daily.requests, daily.planned,
                whole.quarantined + daily.quarantined, round(seconds), covered[name], failing[name],
            )  # fmt: skip
            totals.update(dict(enumerate(figures)))
            grid.add_row(name, *(f"{figure:,}" for figure in figures))
    grid.add_section()
    grid.add_row("all", *(f"{totals[place]:,}" for place in range(len(totals))))
    return grid


def _bulk() -> Table:
    window = Window.between(*YEARS)
    grid = Table(
        "candles", "by pages", "by files", "times fewer",
        title=f"Requests of {PAIRS} Binance pairs, {window}",
    )  # fmt: skip
    for interval in ("1d", "1h", BULK_INTERVAL):
        chosen = plan.choose(window, interval, date(2025, 6, 1), "always")
        pages, files = PAIRS * chosen.page_request_count, PAIRS * chosen.request_count
        grid.add_row(interval, f"{pages:,}", f"{files:,}", f"{pages / files:.1f}")
    return grid


def lines(path: Path) -> list[dict[str, str]]:
    """Return what stands in a table of the tests."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _statements() -> Table:
    grid = Table("section", "source", "statement", "test", title="Statements of the wire formats")
    for line in lines(STATEMENTS):
        grid.add_row(line["section"], line["source"], line["statement"], line["test"])
    return grid


if __name__ == "__main__":
    main()
