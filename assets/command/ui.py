"""What people see in the terminal: progress, summaries, errors."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from pipelines.core.files import FileDamaged

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from assets.command.status import Status
    from pipelines.lake.repair import GapRequest
    from pipelines.publishing import Answer, Manifest, MartDiff

_SERIES_SHOWN = 6
_AGES = {"late": "yellow", "stale": "red"}


def make_console() -> Console:
    """Return a console that keeps writing to the terminal while runs write to their log.

    No text is markup in it: what is printed are data, and data may have brackets and colons.
    """
    # without a terminal there is no width to fit: whoever reads the file wraps it himself
    width = None if sys.stdout.isatty() else 200
    file = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


class TerminalProgress:
    """Shows stages as they go: a spinner or bar on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Progress | None = None
        self._task: TaskID | None = None
        self._stage: str | None = None
        self._opened = self._started = time.monotonic()

    def heading(self, text: str) -> None:
        """Show that a run begins."""
        self._stop()
        self._console.print(text, style="bold")

    def begin(self, stage: str, total: int | None = None) -> None:
        """Show that a stage begins."""
        self._stop()
        self._stage, self._started = stage, time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"· {stage} …")
            return
        stage_name = TextColumn("{task.description}", markup=False)
        columns = [SpinnerColumn(), stage_name, TimeElapsedColumn()]
        if total is not None:
            columns[2:2] = [BarColumn(bar_width=30), MofNCompleteColumn()]
        # not redirected: what the process prints belongs in its log, and not around the bar
        self._live = Progress(
            *columns,
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._live.add_task(stage, total=total)
        self._live.start()

    def advance(self, what: str, outcome: str | None = None) -> None:
        """Show one more step of the stage, and what it did as a line that stays."""
        if outcome is not None:
            self._console.print(f"  {what}: {outcome}")
        if self._live is not None and self._task is not None:
            self._live.advance(self._task)

    def end(self, outcome: str) -> None:
        """Replace the spinner by a line that stays."""
        self._stop()
        self._conclude(Text("✓", "green"), outcome)

    def close(self, outcome: str | None = None) -> None:
        """Stop whatever still moves; a stage that is not over yet ends with `outcome`."""
        self._stop()
        if outcome is not None and self._stage is not None:
            self._conclude(Text("✗", "red"), outcome)

    def interrupt(self) -> None:
        """Say that the command was stopped, and nothing of what it does after that."""
        self.close("interrupted")
        self._console.print("\nInterrupted; what was landed stays; run again to go on.")
        self._console.file.flush()
        self._console.quiet = True

    def took(self) -> str:
        """Return how long it is since this was made, for people."""
        return _duration(time.monotonic() - self._opened)

    def _conclude(self, mark: Text, outcome: str) -> None:
        took = _duration(time.monotonic() - self._started)
        self._console.print(mark, f"{self._stage}: {outcome}", Text(f"({took})", "dim"))
        self._stage = None

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _duration(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{minutes} min {seconds % 60:.0f} s" if minutes else f"{seconds:.1f} s"


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send what this process and its children print to a file while the block runs."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in zip((1, 2), kept, strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)


def show_publication(console: Console, manifest: Manifest, path: Path) -> None:
    """Print what was published."""
    table = Table(title=f"Published {manifest.version}", title_justify="left", box=None)
    for column, justify in (("mart", "left"), ("rows", "right"), ("newest day", "left")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    for mart in (entry for entry in manifest.marts if entry.kind == "table"):
        table.add_row(mart.name, f"{mart.rows:,}", str(mart.max_day or ""))
    console.print()
    console.print(table)
    checks = manifest.checks
    kinds = ", ".join(f"{count} {kind}" for kind, count in checks.by_kind.items())
    console.print(
        f"\n{checks.passed} of {checks.total} checks passed ({kinds}), {checks.warned} warned"
    )
    for warning in checks.warnings:
        said = f"{warning.mart} {warning.name}: {warning.detail}"
        console.print(Text("!", "yellow"), said)
    console.print("\nOpen it read-only:", Text(str(path), "bold"))


def show_gap_requests(console: Console, gap_requests: Sequence[GapRequest], title: str) -> None:
    """Print which days of which series are asked for."""
    if not gap_requests:
        console.print(f"{title}: nothing")
        return
    table = Table(title=title, title_justify="left", box=None)
    for column in ("source", "table", "days", "series"):
        table.add_column(column)
    for request in gap_requests:
        shown = ", ".join(request.entities[:_SERIES_SHOWN]) or "all"
        more = len(request.entities) - _SERIES_SHOWN
        table.add_row(
            request.source,
            request.table_name or "all",
            str(request.window),
            f"{shown} and {more} more" if more > 0 else shown,
        )
    console.print(table)


def show_research(
    console: Console, headlines: Mapping[str, pl.DataFrame], warning: str | None, page: Path
) -> None:
    """Print each table under its title, and where the rest is."""
    for title, headline in headlines.items():
        table = Table(title=title, title_justify="left", box=None)
        for column in headline.columns:
            table.add_column(column)
        for row in headline.iter_rows():
            cells = (f"{cell:+.4f}" if isinstance(cell, float) else str(cell or "") for cell in row)
            table.add_row(*cells)
        console.print(table)
    if warning:
        console.print(Text("!", "yellow"), warning)
    console.print("\nAll of it, with charts:", Text(str(page), "bold"))


def show_backtest(console: Console, name: str, summary: pl.DataFrame) -> None:
    """Print what a rule earned."""
    table = Table(title=f"{name}, net of all costs", title_justify="left", box=None)
    shown = summary.drop("first_day", "last_day")
    for column in shown.columns:
        table.add_column(column)
    for row in shown.iter_rows():
        cells = (
            f"{cell:+.3f}" if isinstance(cell, float) else "" if cell is None else str(cell)
            for cell in row
        )
        table.add_row(*cells)
    console.print(table)
    console.print()


def show_diff(console: Console, marts: Sequence[MartDiff], old: str, new: str) -> None:
    """Print the marts that differ, and how."""
    changed = [mart for mart in marts if mart.is_changed]
    table = Table(title=f"{old} → {new}", title_justify="left", box=None)
    for column in ("mart", "rows before", "after", "new keys", "gone", "changed", "columns"):
        table.add_column(column, justify="left" if column in ("mart", "columns") else "right")
    for mart in changed:
        counts = (mart.rows_before, mart.rows_after, mart.keys_added, mart.keys_removed,
                  mart.keys_changed)  # fmt: skip
        columns = [f"+{name}" for name in mart.columns_added]
        columns += [f"-{name}" for name in mart.columns_removed]
        table.add_row(
            mart.mart,
            *("" if count is None else f"{count:,}" for count in counts),
            " ".join(columns),
        )
    if changed:
        console.print(table)
    console.print(f"{len(marts) - len(changed)} of {len(marts)} marts and views are the same")


def show_first_look(console: Console, query: str, answer: Answer) -> None:
    """Print a query and its answer."""
    console.print(f"\nA first query:\n\n{query}\n")
    table = Table(box=None)
    for column in answer.columns:
        table.add_column(column)
    for row in answer.rows:
        table.add_row(*(str(value) for value in row))
    console.print(table)


def show_status(console: Console, found: Status) -> None:
    """Print the state of the data folder."""
    console.print(f"profile {found.profile}, data in {found.data_dir}")
    table = Table(box=None)
    for column in ("source", "newest row", "data", "last landed", "rows", "files"):
        table.add_column(column)
    for source in found.sources:
        table.add_row(
            source.name if source.enabled else f"{source.name} ({source.disabled_reason})",
            _instant(source.newest_at),
            Text(source.freshness, _AGES.get(source.freshness, "")) if source.enabled else "",
            _instant(source.last_landed_at) or "never",
            f"{source.rows:,}",
            f"{source.files:,}",
        )
    console.print(table)
    for source in found.sources:
        for late in source.late_tables:
            console.print(Text("✗ late", "yellow"), late)
    run = found.last_run
    if run is None:
        console.print("no run yet: `tokenmart daily` makes the first")
    else:
        console.print(f"last run: {run.job} of {run.days}: {run.state} (id {run.run_id})")
    for damage in found.damaged_publications:
        console.print(Text("✗ damaged", "red"), damage)
    if found.publication is None:
        console.print("nothing is published" + (" yet" if not found.damaged_publications else ""))
    else:
        console.print(
            f"publication: {found.publication}, newest day {found.published_newest_day} "
            f"({found.publications_kept} kept), {found.published_freshness}"
        )
    for incident in found.open_incidents:
        since = _instant(incident.since)
        said = f"since {since}: {incident.title} ({incident.runbook})"
        console.print(Text("✗ open", "red"), said)
    for check in found.failing_checks:
        color = "red" if check.severity == "block" else "yellow"
        said = f"{check.mart} {check.name}: {check.detail}"
        console.print(Text(f"✗ {check.severity}", color), said)
    if run is not None and not found.failing_checks:
        console.print("no check failed in the last run")


def show_trial(console: Console, outcome: Mapping[str, str | None]) -> bool:
    """Print which channels took a message; return whether all did."""
    for channel, problem in outcome.items():
        if problem is None:
            console.print(Text("✓", "green"), channel)
        else:
            console.print(Text("✗", "red"), f"{channel}: {problem}")
    if outcome.keys() == {"log"}:
        console.print("only the log has incidents: docs/operations.md says how to add a channel")
    return not any(outcome.values())


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def show_failure(
    console: Console,
    problems: list[tuple[str, str]],
    published: Manifest | FileDamaged | None,
    log: Path | None,
) -> None:
    """Print which stage failed, why, and what still holds."""
    console.print()
    for stage, reason in problems:
        console.print(f"✗ Failed: {stage}", style="bold red")
        console.print(reason)
    console.print()
    if published is None:
        console.print("Nothing is published yet.")
    elif isinstance(published, FileDamaged):
        console.print(str(published))
    else:
        console.print(
            f"The last publication holds: {published.version}, newest day {published.newest_day}."
        )
    if log is not None:
        console.print(f"The log of this command: {log}")
