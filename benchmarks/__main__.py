"""`make bench`: the fixed cost, the rate of landing, and what each stage takes, at several sizes.

    python -m benchmarks [--sizes empty small default 1y 2y 4y 8y] [--record]

Each size is a market of its own. All of its days but the last are landed, built, checked and
published; then the last one, so that `one day more` is what a morning costs. `empty` is a build of
nothing: what every run pays. `--record` appends each figure to benchmarks/history.csv, by revision
and machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import landing
from benchmarks.measure import Measured, environment_of, run_stage
from pipelines.core.windows import DAY
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GeneratorSettings, generate

_DEFAULT = GeneratorSettings()
_NOTHING = GeneratorSettings(
    name="empty", assets=15, stablecoins=7, start=_DEFAULT.end - timedelta(days=99)
)
SIZES = {
    "small": GeneratorSettings(name="small", assets=30, start=date(2025, 11, 1)),
    "default": GeneratorSettings(name="default"),
    "large": GeneratorSettings(name="large", assets=200, stablecoins=60, start=date(2021, 11, 1)),
    # one market that only grows
    **{
        f"{years}y": GeneratorSettings(
            name=f"{years}y",
            assets=60,
            start=_DEFAULT.end - timedelta(days=round(365.25 * years) - 1),
        )
        for years in (1, 2, 4, 8)
    },
}
EMPTY = "empty"
HISTORY = Path(__file__).with_name("history.csv")
FIELDS = ("day", "revision", "machine", "size", "figure", "rows", "seconds", "cpu_seconds", "mib")


@dataclass(frozen=True)
class Figure:
    """What one stage took, on how many rows."""

    name: str
    rows: int | None
    measured: Measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--sizes", nargs="+", choices=[EMPTY, *SIZES], default=[EMPTY, "small", "default", "large"]
    )
    parser.add_argument("--record", action="store_true", help=f"append to {HISTORY.name}")
    options = parser.parse_args()
    console = Console(width=110)
    console.print(_machine())
    for name in options.sizes:
        with TemporaryDirectory() as folder:
            dataset = Path(folder) / name
            generate(_NOTHING if name == EMPTY else SIZES[name], dataset)
            market = load(dataset)
            figures = list(_of_nothing(market) if name == EMPTY else _of_days(market))
            # each size is reported when it is known: the large one takes its time
            console.print(_table(name, market, figures))
            if name != EMPTY:
                landed = landing.measure(dataset)
                console.print(
                    f"{name}: landed {landed.rows:,} rows in {landed.real_seconds:.1f} processor "
                    f"seconds; plain Polars and DuckDB in {landed.plain_seconds:.1f}: "
                    f"{landed.ratio:.1f} times as much"
                )
        if options.record:
            _record(name, figures)


def _of_nothing(market: Dataset) -> Iterator[Figure]:
    with TemporaryDirectory() as data_dir:
        environment = environment_of(market, data_dir, "")
        for label in ("build of an empty lake", "the same again"):
            yield _figure(label, run_stage("transform", environment=environment))


def _of_days(market: Dataset) -> Iterator[Figure]:
    first, before, last = (day.isoformat() for day in (market.start, market.end - DAY, market.end))
    with TemporaryDirectory() as data_dir, SandboxServer(market) as server:
        environment = environment_of(market, data_dir, server.url)
        for label, since, until in (
            ("all days but one", first, before),
            ("one day more", last, last),
        ):
            steps = {
                "extract": (since, until),
                "transform": (),
                "gate": (since, until),
                "publish": (),
            }
            for stage, arguments in steps.items():
                measured = run_stage(stage, *arguments, environment=environment)
                yield _figure(f"{stage}, {label}", measured)


def _figure(label: str, measured: Measured) -> Figure:
    rows = re.search(r"rows=(\d+)", measured.output)
    return Figure(label, int(rows[1]) if rows else None, measured)


def _table(name: str, market: Dataset, figures: list[Figure]) -> Table:
    # what the data are, whatever was asked for
    assets = market.table("assets").collect().height
    days = (market.end - market.start).days + 1
    table = Table(
        "stage",
        "rows",
        "seconds",
        "CPU s",
        "peak MiB",
        title=f"{name}: {assets} assets x {days:,} days",
    )
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.rows:,}" if figure.rows is not None else "",
            f"{figure.measured.seconds:.1f}",
            f"{figure.measured.cpu_seconds:.1f}",
            f"{figure.measured.peak_mib:,.0f}",
        )
    return table


def _record(size: str, figures: list[Figure]) -> None:
    is_new = not HISTORY.exists()
    with HISTORY.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(FIELDS)
        for figure in figures:
            measured = figure.measured
            writer.writerow(
                (
                    datetime.now(tz=UTC).date().isoformat(),
                    _revision(),
                    _machine(),
                    size,
                    figure.name,
                    figure.rows,
                    f"{measured.seconds:.1f}",
                    f"{measured.cpu_seconds:.1f}",
                    f"{measured.peak_mib:.0f}",
                )
            )


def _revision() -> str:
    described = ["git", "-C", str(HISTORY.parent), "describe", "--always", "--dirty"]
    return subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()


def _machine() -> str:
    return f"{platform.machine()} x {os.cpu_count()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
