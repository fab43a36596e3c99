"""The UI on this machine: `dagster dev` with the project's instance, settings and sandbox."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from assets.command import runs
from assets.command.market import open_market
from assets.resources import Progress
from pipelines import origin
from pipelines.settings import Settings, child_environment


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
        )
        # who stops this command by SIGTERM stops Dagster's processes and the sandbox with it
        before = signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            return process.wait()
        finally:
            signal.signal(signal.SIGTERM, before)
