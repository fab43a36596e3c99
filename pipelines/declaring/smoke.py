"""A smoke run of a source, `python -m pipelines.declaring smoke NAME`: the plan and a few days.

Nothing is landed. Profile and host are the settings': TOKENMART_PROFILE=live asks the real one.
"""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table as Grid

from pipelines import sources
from pipelines.core.settings import SettingsError, get_settings
from pipelines.core.tables import QUARANTINE
from pipelines.core.windows import Window, clock_at, last_complete_day
from pipelines.extraction import universe
from pipelines.extraction.planning import Plan
from pipelines.extraction.source import begin_extraction, extract, pace_of
from pipelines.extraction.universe import UniverseError

_REASONS_SHOWN = 5


def smoke(name: str, days: int, *, is_plan: bool) -> int:
    """Ask the source for its newest days, print rows, requests and problems.

    Args:
        name: the source.
        days: how many complete days.
        is_plan: show the plan alone, and ask for nothing.

    Returns:
        The exit code: 0 if all went well, 1 if the source failed, 2 if it could not be asked.
    """
    console = Console()
    source = sources.source(name)
    try:
        settings = get_settings()
        clock = clock_at(settings.now)
        curated = universe.codes(settings, source.identity or name)
        run = begin_extraction(source, settings, clock, "smoke", curated)
    except (SettingsError, UniverseError, ValidationError) as error:
        console.print(str(error), style="red", markup=False)
        return 2
    window = Window.of_day(last_complete_day(clock)).look_back(days - 1)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    plan = Plan(tuple(source.plan(run, window)))
    console.print(_plan_of(plan, plan.seconds(pace_of(source, settings)), source.title))
    if is_plan:
        return 0
    for table_name, rows in extract(source, run, window):
        counts[table_name] += rows.num_rows
        if table_name == QUARANTINE.name:
            reasons.update(rows["reason"].to_pylist())
    grid = Grid("table", "rows", title=f"{source.title}, {window}, {run.client.base_url}")
    for table_name, count in counts.items():
        grid.add_row(table_name, f"{count:,}")
    console.print(grid)
    console.print(
        f"requests: {run.usage.request_count}; planned before the first: {run.bound}; "
        f"with the source's own lists: {run.plan}"
    )
    for reason, count in reasons.most_common(_REASONS_SHOWN):
        console.print(f"refused {count:,} times: {reason}", style="yellow", markup=False)
    for problem in (*run.failures, *run.refusals):
        console.print(problem, style="red", markup=False)
    return 1 if run.failures else 0


def _plan_of(plan: Plan, seconds: float, title: str) -> Grid:
    pace = f"at least {seconds:,.0f} s at the source's pace" if seconds else "as fast as it answers"
    grid = Grid("table", "series", "requests each", "requests", title=f"{title}: {plan}, {pace}")
    for share in plan.shares:
        most = "≤ " if share.is_bound else ""
        grid.add_row(
            share.table.name, f"{most}{share.series:,}", str(share.each), f"{share.request_count:,}"
        )
    return grid
