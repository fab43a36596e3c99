"""Dagster's programs with the project's instance, settings and sandbox.

On one's own machine that is `dagster dev`, all in one; where it runs for years the daemon and the
webserver, each watched by a supervisor.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from assets import keys
from assets.command import runs
from assets.command.interruption import SIGNALS, exit_code
from assets.command.market import open_market
from assets.resources import Progress
from pipelines.core.settings import Settings, child_environment
from pipelines.lake import origin

_PATIENCE_S = 3


def landing_page(host: str, port: int) -> str:
    """Return the address of the list of marts: what each is, how old, and its checks."""
    ((tag, layer),) = keys.layer(keys.MARTS).items()
    return f"http://{host}:{port}/assets?asset-selection=tag:{tag}={layer}"


def development(host: str, port: int) -> tuple[str, ...]:
    """Return the program with the UI, the daemon and all that they start."""
    return "dagster", "dev", "--host", host, "--port", str(port)


def webserver(host: str, port: int) -> tuple[str, ...]:
    """Return the program with the UI alone: it launches runs, and the daemon starts them."""
    return "dagster-webserver", "--host", host, "--port", str(port)


def daemon() -> tuple[str, ...]:
    """Return the program that starts runs, schedules and sensors."""
    return "dagster-daemon", "run"


def serve(settings: Settings, progress: Progress, program: Sequence[str]) -> int:
    """Run a program of Dagster until it is stopped; return its exit code."""
    name, *arguments = program
    with open_market(
        settings, progress, admit=lambda found: origin.claim(found.settings)
    ) as market:
        with runs.open_instance(market.settings):
            pass  # installs the instance's config
        environment = child_environment(
            profile=market.settings.profile,
            data_dir=market.settings.data_dir,
            sandbox_url=market.settings.sandbox_url,
            dataset=market.settings.dataset,
            curation_dir=market.settings.curation_dir,
            now=market.settings.now,
        ) | runs.dagster_environment(market.settings)
        process = subprocess.Popen(
            [
                # nobody stops what this command has started if it is killed itself
                *(sys.executable, "-P", "-m", "pipelines.core.lifeline", str(os.getpid())),
                str(Path(sys.executable).with_name(name)),
                *arguments,
                "--workspace",
                str(settings.repo_dir / "workspace.yaml"),
            ],
            env=environment,
            cwd=settings.repo_dir,
            # a group of its own: what it starts is stopped with it, whoever stops this command how
            start_new_session=True,
        )
        stop_signals = {number: signal.signal(number, _interrupt) for number in SIGNALS}
        try:
            return process.wait()
        except _Stopped as stopped:
            _stop(process)
            return exit_code(stopped.number)
        finally:
            for number, handler in stop_signals.items():
                signal.signal(number, handler)


class _Stopped(BaseException):
    def __init__(self, number: int) -> None:
        self.number = number


def _interrupt(number: int, _frame: object) -> None:
    raise _Stopped(number)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop Dagster and all that it started: as Ctrl-C in a terminal does, then by force."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_PATIENCE_S)
    # a code server waits half a minute for its clients
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
