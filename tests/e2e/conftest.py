"""A whole project run as a user runs it: the command in a process of its own, on a small market."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines import publishing
from pipelines.core.settings import Settings
from pipelines.publishing import Manifest
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GeneratorSettings, generate

REPO = Path(__file__).resolve().parents[2]
START, END = date(2024, 1, 1), date(2024, 4, 9)


@dataclass
class Project:
    """One data folder, and the command on it."""

    data_dir: Path
    dataset: Dataset
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run `tokenmart` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "assets", *arguments],
            cwd=REPO,
            env=self.full_environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def daily(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `tokenmart daily` on the dataset, by a server of its own."""
        return self.run("daily", "--dataset", str(self.dataset.path), *arguments)

    def served_by(self, server: SandboxServer, now: datetime) -> "Project":
        """Return the same project, talking to a server that the test controls."""
        return Project(
            self.data_dir,
            self.dataset,
            {
                **self.environment,
                "TOKENMART_SANDBOX_URL": server.url,
                "TOKENMART_DATASET": str(self.dataset.path),
                "TOKENMART_CURATION_DIR": str(self.dataset.path),
                "TOKENMART_NOW": now.isoformat(),
            },
        )

    @property
    def full_environment(self) -> dict[str, str]:
        """The environment of the command: the test's own, and no setting of the user."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("TOKENMART_")
        }
        return {**inherited, "TOKENMART_DATA_DIR": str(self.data_dir), **self.environment}

    @property
    def settings(self) -> Settings:
        """The settings that the command has."""
        return Settings(data_dir=self.data_dir)

    @property
    def current(self) -> Manifest:
        """What is published now."""
        manifest = publishing.current(self.settings)
        assert manifest is not None, "nothing is published"
        return manifest


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A hundred days of fifteen assets, on three venues."""
    wanted = GeneratorSettings(
        name="small", start=START, end=END, assets=15, stablecoins=7, venues=3
    )
    return load(generate(wanted, tmp_path_factory.mktemp("market") / "small"))


@pytest.fixture(scope="session")
def _first(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> tuple[Project, str]:
    """The project after its first `tokenmart daily`, and what that printed."""
    project = Project(tmp_path_factory.mktemp("project") / "data", dataset)
    done = project.daily()
    assert done.returncode == 0, f"the first daily run failed:\n{done.stdout}\n{done.stderr}"
    return project, done.stdout


@pytest.fixture(scope="session")
def first_output(_first: tuple[Project, str]) -> str:
    """What the first `tokenmart daily` printed."""
    return _first[1]


@pytest.fixture
def project(_first: tuple[Project, str], tmp_path: Path) -> Project:
    """A copy of the project after its first daily run, for one test to do with as it likes."""
    copy = tmp_path / "data"
    shutil.copytree(_first[0].data_dir, copy, symlinks=True)
    return Project(copy, _first[0].dataset)


@pytest.fixture
def server(dataset: Dataset) -> Iterator[SandboxServer]:
    """A server of the dataset that the test can make misbehave."""
    with SandboxServer(dataset) as running:
        yield running
