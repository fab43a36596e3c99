"""The UI on this machine: `dagster dev` with the project's instance, settings and sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from assets.command import runs
from assets.command.market import open_market
from assets.resources import Progress
from pipelines.core.settings import Settings, child_environment
from pipelines.lake import origin

# Ctrl-C; a supervisor; a terminal that is closed
_STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE_S = 20


def serve(settings: Settings, progress: Progress, port: int) -> int:
    """Run Dagster's UI and daemon until they are stopped; return their exit code."""
    with open_market(settings, progress) as market:
        origin.claim(market.settings)
        with runs.open_instance(market.settings):
            pass  # installs the instance's config
        environment = child_environment(
            profile=market.settings.profile,
            data_dir=market.settings.data_dir,
            sandbox_url=market.settings.sandbox_url,
            dataset=market.settings.dataset,
            curation_dir=market.settings.curation_dir,
            now=market.settings.now,
        ) | {"DAGSTER_HOME": str(market.settings.dagster_home)}
        process = subprocess.Popen(
            [
                # nobody stops what this command has started if it is killed itself
                *(sys.executable, "-P", "-m", "pipelines.core.lifeline", str(os.getpid())),
                str(Path(sys.executable).with_name("dagster")),
                "dev",
                "--workspace",
                str(settings.repo_dir / "workspace.yaml"),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            env=environment,
            cwd=settings.repo_dir,
            # a group of its own: what it starts is stopped with it, whoever stops this command how
            start_new_session=True,
        )
        stop_signals = {number: signal.signal(number, _interrupt) for number in _STOPPED_BY}
        try:
            return process.wait()
        except KeyboardInterrupt:
            return _stopped(process)
        finally:
            for number, handler in stop_signals.items():
                signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stopped(process: subprocess.Popen[bytes]) -> int:
    """Stop Dagster and all that it started: as Ctrl-C in a terminal does, then by force."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        return process.wait(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        # a code server waits half a minute for its clients
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
