"""The first daily run stopped in each of its long stages, in a terminal, and run to its end."""

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from pipelines.sandbox.dataset import Dataset
from tests.e2e.conftest import REPO, Project
from tests.terminal import CTRL_C, WIDTH, Terminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _left_over(project: Project) -> dict[int, str]:
    """Return the processes that still have the project's data folder in their environment."""
    mark = f"TOKENMART_DATA_DIR={project.data_dir}\0".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() + b"\0":
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended, or is somebody else's
    return found


def _daily(project: Project) -> Terminal:
    command = [sys.executable, "-m", "assets", "daily", "--dataset", str(project.dataset.path)]
    return Terminal(command, REPO, project.full_environment)


def _is_over(project: Project, terminal: Terminal, code: int) -> None:
    ended, seconds = terminal.end(30)
    assert (ended, seconds < 5) == (code, True), f"{ended} after {seconds:.1f} s\n{terminal.screen}"
    assert "Interrupted; what was landed stays; run again to go on." in terminal.screen
    assert "Traceback" not in terminal.raw
    deadline = time.monotonic() + 5
    while left := _left_over(project):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


def test_a_run_is_stopped_in_any_stage_and_goes_on(
    tmp_path: Path, dataset: Dataset, project: Project
) -> None:
    uninterrupted, project = project, Project(tmp_path / "stopped", dataset)

    terminal = _daily(project)
    terminal.wait_for("History, once")
    terminal.wait_for(" rows in ", timeout=300)
    terminal.type(CTRL_C)
    _is_over(project, terminal, 130)
    print(terminal.screen)

    terminal = _daily(project)
    terminal.wait_for("Build the warehouse with dbt", timeout=600)
    time.sleep(10)
    terminal.send(signal.SIGTERM)
    _is_over(project, terminal, 143)
    assert "History, once" in terminal.screen

    terminal = _daily(project)
    terminal.wait_for("Build the warehouse with dbt", timeout=600)
    time.sleep(10)
    terminal.type(CTRL_C)
    _is_over(project, terminal, 130)
    assert "History, once" not in terminal.screen, "what was landed is landed again"
    print(terminal.screen)

    terminal = _daily(project)
    code, _ = terminal.end(1200)
    assert code == 0, terminal.screen
    print(terminal.screen)
    assert project.current.content_hash == uninterrupted.current.content_hash
    assert max(map(len, terminal.screen.splitlines())) <= WIDTH
    assert re.search(r"^✓ Extract: .* sources off \(.*\)$", terminal.screen, re.M)
    assert re.search(r"^All of it took .*\.$", terminal.screen, re.M)
    shown = re.findall(r"Build the warehouse with dbt .*?(\d+)/(\d+)", terminal.raw)
    assert shown[-1][0] == shown[-1][1], f"the bar ended at {shown[-1]}"
