"""What the terminal shows are data: nothing in them is taken for an instruction."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from assets.command import ui
from assets.command.status import CheckStatus, IncidentStatus, RunStatus, SourceStatus, Status
from pipelines.publishing import Answer
from pipelines.publishing.manifest import CheckSummary, Manifest
from pipelines.validation.report import CheckResult

HOSTILE = "[/bold] [red]x[/] :smile: [link=x]"
NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Console:
    """The console of the commands, writing into memory: one line of whatever length."""
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr("sys.stdout", out)
        made = ui.make_console()
    made.file = io.StringIO()
    made.width = 1000
    return made


def _manifest() -> Manifest:
    failed = CheckResult(
        run_id="run", checked_at=NOW, check_kind="invariant", check_name=HOSTILE,
        mart="price_daily", severity="warn", is_passed=False, detail=HOSTILE,
    )  # fmt: skip
    return Manifest(
        version="v", sequence=1, replaces=None, published_at=NOW, run_id="run", code_revision="c",
        profile="sandbox", content_hash="h", database_bytes=1, duckdb_version="1", marts=(),
        checks=CheckSummary.of([failed]),
    )  # fmt: skip


def _status() -> Status:
    source = SourceStatus(
        name=HOSTILE, enabled=True, disabled_reason=None, last_landed_at=NOW, newest_at=NOW,
        freshness="late", late_tables=(HOSTILE,), rows=1, files=1,
    )  # fmt: skip
    run = RunStatus(run_id="r", job="j", days="d", state="failed", started_at=NOW, ended_at=NOW)
    return Status(
        profile="sandbox", data_dir=HOSTILE, sources=(source,), newest_day=None, last_run=run,
        publication=None, published_at=None, published_newest_day=None, publications_kept=0,
        damaged_publications=(HOSTILE,), published_freshness="empty",
        failing_checks=(CheckStatus(mart="m", name="n", severity="warn", detail=HOSTILE),),
        open_incidents=(IncidentStatus(title=HOSTILE, since=NOW, run_id=None, runbook="r"),),
    )  # fmt: skip


def _progress(console: Console) -> None:
    progress = ui.TerminalProgress(console)
    progress.heading(HOSTILE)
    progress.begin(HOSTILE)
    progress.advance(HOSTILE, HOSTILE)
    progress.end(HOSTILE)


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize(
    ("show", "times"),
    [
        (_progress, 5),
        (lambda to: ui.show_publication(to, _manifest(), Path(HOSTILE)), 3),
        (lambda to: ui.show_first_look(to, HOSTILE, Answer((HOSTILE,), ((HOSTILE,),))), 3),
        (lambda to: ui.show_status(to, _status()), 6),
        (lambda to: ui.show_trial(to, {HOSTILE: HOSTILE}), 2),
        (lambda to: ui.show_failure(to, [(HOSTILE, HOSTILE)], _manifest(), Path(HOSTILE)), 3),
    ],
    ids=["progress", "publication", "first look", "status", "trial", "failure"],
)
def test_data_are_never_markup(console: Console, show: Any, times: int, is_terminal: bool) -> None:
    console._force_terminal = is_terminal
    console.no_color = True

    show(console)

    written: Any = console.file
    assert written.getvalue().count(HOSTILE) >= times
