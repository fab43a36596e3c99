"""The command line as a person sees it, in a terminal of 80 columns, and as a pipe gets it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.command import runs
from pipelines.core.settings import Settings
from pipelines.monitoring import notifier
from tests.terminal import CTRL_C, WIDTH, Terminal, screen

REPO = Path(__file__).resolve().parents[2]
NOISY = """
import sys
from pathlib import Path
from assets.command import ui
console = ui.make_console()
progress = ui.TerminalProgress(console)
with ui.output_to(Path(sys.argv[1])):
    progress.begin("Build the warehouse", 3)
    for number in range(3):
        for line in range(400):
            print("dbt says", line)
        progress.advance("a model")
    progress.end("three models")
"""
# a library that knows no signals: Python's handlers run when it comes back
STUCK = """
import ctypes, time
from assets.command import interruption, ui
console = ui.make_console()
progress = ui.TerminalProgress(console)
with interruption.ending_at_once(), interruption.before_the_end(progress.interrupt):
    progress.begin("Count to a billion", 3)
    library, lock = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    library.pthread_mutex_lock(lock)
    library.pthread_mutex_lock(lock)
"""
# one that comes back early
SHORT = STUCK.replace(
    "library.pthread_mutex_lock(lock)\n    library.pthread_mutex_lock(lock)", "library.sleep(60)"
)
RUN = """
import time
from datetime import date
import typer
from assets import automation
from assets.command import cli, runs
from pipelines.core.windows import Window
from pipelines.lake import landing

def land(name, *_, **__):
    time.sleep(60)

landing.land = land

@cli.app.command()
def stuck(context: typer.Context) -> None:
    with cli._command(context) as (settings, progress, console):
        with runs.open_instance(settings) as instance:
            day = Window.of_day(date(2024, 3, 1))
            runs.execute(instance, automation.HISTORY_JOB, day, settings, progress)

cli.app(["stuck"])
"""


def test_the_screen_is_what_was_not_erased() -> None:
    assert screen("one\r\ntwo\r\x1b[2K\x1b[1A\x1b[2Kthree\r\n\x1b[32mfour\x1b[0m") == "three\nfour"


def test_what_a_stage_prints_is_in_the_log_and_not_around_the_bar(tmp_path: Path) -> None:
    log = tmp_path / "log"
    terminal = Terminal([sys.executable, "-c", NOISY, str(log)], REPO)
    code, _ = terminal.end()

    assert code == 0, terminal.screen
    assert "dbt says" not in terminal.raw
    assert log.read_text().count("dbt says") == 1200
    assert re.fullmatch(r"✓ Build the warehouse: three models \(\d+\.\d s\)", terminal.screen)
    assert "3/3" in terminal.raw, "the bar did not come to its end"
    assert max(map(len, terminal.screen.splitlines())) <= WIDTH


def test_a_pipe_gets_lines(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOISY, str(tmp_path / "log")],
        cwd=REPO, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("· Build the warehouse …\n✓ Build the warehouse: three models (")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_command_that_is_stopped_ends_at_once(number: signal.Signals, code: int) -> None:
    terminal = Terminal([sys.executable, "-c", STUCK], REPO)
    terminal.wait_for("0/3")
    if number == signal.SIGINT:
        terminal.type(CTRL_C)
    else:
        terminal.send(number)
    ended, seconds = terminal.end(20)

    assert ended == code, terminal.screen
    assert seconds < 2
    assert "✗ Count to a billion: interrupted (" in terminal.screen
    assert "Interrupted; what was landed stays; run again to go on." in terminal.screen
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l"), "no cursor is left"


def test_what_a_signal_has_cut_short_is_no_success() -> None:
    terminal = Terminal([sys.executable, "-c", SHORT], REPO)
    terminal.wait_for("0/3")
    terminal.send(signal.SIGTERM)
    code, _ = terminal.end(20)
    assert code == 143, terminal.screen


def test_what_is_to_be_ignored_is_ignored() -> None:
    script = SHORT.replace("sleep(60)", "sleep(1)")
    nohup = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{script}"
    terminal = Terminal([sys.executable, "-c", nohup], REPO)
    terminal.wait_for("0/3")
    terminal.send(signal.SIGHUP)
    code, _ = terminal.end(20)
    assert code == 0, terminal.screen


@pytest.mark.slow
def test_a_run_that_is_stopped_is_canceled_and_nobody_is_called(tmp_path: Path) -> None:
    environment = {**os.environ, "TOKENMART_DATA_DIR": str(tmp_path)}
    terminal = Terminal([sys.executable, "-c", RUN], REPO, environment)
    terminal.wait_for("Extract")
    terminal.type(CTRL_C)
    code, seconds = terminal.end(20)

    assert code == 130, terminal.screen
    assert seconds < 5
    assert "Traceback" not in terminal.raw
    assert "Failed" not in terminal.screen
    settings = Settings(data_dir=tmp_path)
    with runs.open_instance(settings) as instance:
        (record,) = instance.get_run_records()
    assert record.dagster_run.status == dg.DagsterRunStatus.CANCELED
    assert notifier.open_incidents(settings) == ()


@pytest.mark.slow
def test_each_line_of_the_log_is_a_record(tmp_path: Path) -> None:
    answer = """
    from pipelines.lake.landing import LoadReport
    print("a library prints")
    return LoadReport(name, _[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", RUN.replace("    time.sleep(60)\n", answer)],
        cwd=REPO, capture_output=True, text=True, timeout=120,
        env={**os.environ, "TOKENMART_DATA_DIR": str(tmp_path), "TOKENMART_LOG_FORMAT": "json"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(line) for line in (tmp_path / "logs/stuck.log").read_text().splitlines()]
    said = {record["message"]: record for record in records}
    assert said["history ends: success"]["window"] == "2024-03-01..2024-03-01"
    assert said["history ends: success"]["run"]
    assert "a library prints" in said
