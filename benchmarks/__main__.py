"""`make bench`: the rate of landing, and seconds and peak memory of each stage at three sizes."""

from __future__ import annotations

import argparse
import platform
import re
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks import landing
from benchmarks.measure import environment_of, run_stage
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate

SIZES = {
    "small": GeneratorSettings(name="small", assets=30, start=date(2025, 11, 1)),
    "default": GeneratorSettings(name="default"),
    "large": GeneratorSettings(name="large", assets=200, stablecoins=60, start=date(2021, 11, 1)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    names = parser.parse_args().sizes
    console = Console(width=110)
    console.print(f"{platform.machine()}, Python {platform.python_version()}")
    for name in names:
        stages = Table("stage", "rows", "seconds", "peak MiB")
        with TemporaryDirectory() as folder:
            dataset = Path(folder) / name
            generate(SIZES[name], dataset)
            landed = landing.measure(dataset)
            _stages(stages, dataset)
        size = SIZES[name]
        console.print(
            f"{name}: {size.assets} assets x {size.day_count:,} days. Landed {landed.rows:,} rows, "
            f"{landed.rows / landed.real_seconds:,.0f} a second; plain Polars and DuckDB "
            f"{landed.rows / landed.plain_seconds:,.0f}: {landed.ratio:.1f} times as long"
        )
        # each size is reported when it is known: the large one takes its time
        console.print(stages)


def _stages(table: Table, dataset: Path) -> None:
    folder = load(dataset)
    with TemporaryDirectory() as data_dir, SandboxServer(dataset) as server:
        environment = environment_of(folder, data_dir, server.url)
        first, last = folder.start.isoformat(), folder.end.isoformat()
        steps = {
            "extract all days": ("extract", first, last),
            "transform all days": ("transform",),
            "gate": ("gate", first, last),
            "publish": ("publish",),
            "extract one day": ("extract", last, last),
            "transform one day more": ("transform",),
        }
        for label, (stage, *arguments) in steps.items():
            measured = run_stage(stage, *arguments, environment=environment)
            rows = re.search(r"rows=(\d+)", measured.output)
            table.add_row(
                label,
                f"{int(rows[1]):,}" if rows else "",
                f"{measured.seconds:.1f}",
                f"{measured.peak_mib:,.0f}",
            )


if __name__ == "__main__":
    main()
