"""A source's smoke run, `python -m pipelines.sources.<name>`: ask for a few days, show what came.

Nothing is landed. Profile and host are the settings': TOKENMART_PROFILE=live asks the real one.
"""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table as Grid

from pipelines import extraction, sources, universe
from pipelines.settings import get_settings
from pipelines.windows import Window, clock_at, last_complete_day


def smoke(name: str) -> int:
    """Ask the source for its newest days, print rows and requests, return the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m pipelines.sources.{name}")
    parser.add_argument("--days", type=int, default=3, help="how many complete days to ask for")
    days = parser.parse_args().days
    settings = get_settings()
    clock = clock_at(settings.now)
    source = sources.source(name)
    curated = universe.codes(settings, source.identity or name)
    run = extraction.begin(source, settings, clock, "smoke", curated)
    window = Window.of_day(last_complete_day(clock)).look_back(days - 1)
    counts: dict[str, int] = {}
    for table_name, rows in source.extract(run, window):
        counts[table_name] = counts.get(table_name, 0) + rows.num_rows
    console = Console()
    grid = Grid("table", "rows", title=f"{source.title}, {window}, {run.client.base_url}")
    for table_name, count in counts.items():
        grid.add_row(table_name, f"{count:,}")
    console.print(grid)
    console.print(f"requests: {run.usage.request_count}")
    for problem in (*run.failures, *run.refusals):
        console.print(f"[red]{problem}")
    return 1 if run.failures else 0
