"""Nothing lost, nothing twice: runs that are killed, repeated, shuffled or doubled.

Each ends with the lake's distinct rows and the history's versions of one clean run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.settings import Settings
from pipelines.lake.catalog import CATALOG, read_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.models.lake_box import REPO, LakeBox

SOURCES = {"kraken": "hist_kraken__ohlc", "coinbase": "hist_coinbase__candle"}
TABLES = {"kraken": "ohlc", "coinbase": "candles"}
WINDOW = (date(2024, 1, 20), date(2024, 2, 9))

# lands the sources and writes the catalog; dies at the n-th change to a file of the data folder, or
# for -1 while it writes the catalog
CHILD = """
import os, signal, sys
from datetime import date
from pipelines.lake import landing
from pipelines.lake.catalog import CATALOG, read_catalog, write_catalog
from pipelines.core.settings import get_settings
from pipelines.core.windows import Window, clock_at
settings, die_at, seen = get_settings(), int(sys.argv[1]), [0]
root = str(settings.data_dir)
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
def watch(event, arguments):
    changes = event in CHANGES or (
        event == "open" and isinstance(arguments[1], str) and arguments[1][0] in "wax"
    )
    if changes and root in str(arguments[0]):
        seen[0] += 1
        in_catalog = die_at < 0 and "/.catalog.parquet." in str(arguments[0])
        if seen[0] == die_at or in_catalog:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
window = Window.between(date(2024, 1, 20), date(2024, 2, 9))
for name in sys.argv[2:]:
    report = landing.land(name, window, settings, clock_at(settings.now), "run")
    assert not report.failures, report.failures
write_catalog(settings)
print(seen[0])
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    wanted = GeneratorSettings(
        name="tiny", start=date(2023, 11, 1), end=WINDOW[1], assets=15, stablecoins=7, venues=3
    )
    return load(generate(wanted, tmp_path_factory.mktemp("market") / "tiny"))


@pytest.fixture(scope="module")
def server(dataset: Dataset) -> Iterator[SandboxServer]:
    with SandboxServer(dataset) as running:
        yield running


class Lake:
    """A data folder that child processes land into."""

    def __init__(self, folder: Path, dataset: Dataset, server: SandboxServer) -> None:
        self.box = LakeBox(folder)
        self.settings = Settings(data_dir=folder)
        self._environment = {
            **{name: value for name, value in os.environ.items() if "TOKENMART" not in name},
            "TOKENMART_DATA_DIR": str(folder),
            "TOKENMART_SANDBOX_URL": server.url,
            "TOKENMART_CURATION_DIR": str(dataset.path),
            "TOKENMART_NOW": dataset.now.isoformat(),
        }

    def start(self, die_at: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, str(die_at), *SOURCES],
            cwd=REPO, env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def land(self, die_at: int = 0) -> int:
        """Run to the end, or to its death; return how many changes it made to files."""
        child = self.start(die_at)
        out, error = child.communicate(timeout=120)
        if die_at:
            assert child.returncode == -signal.SIGKILL, f"it lived:\n{out}\n{error}"
            return die_at
        assert child.returncode == 0, error
        return int(out.split()[-1])

    def content(self) -> dict[str, Any]:
        """Return the distinct rows of the lake and the versions of the history."""
        catalog = read_catalog(self.settings)
        found: dict[str, Any] = {}
        for source, table in TABLES.items():
            mine = (pl.col("source") == source) & (pl.col("table_name") == table)
            frames = [
                pl.read_parquet(Path(self.settings.lake_dir) / path).drop("_dlt_load_id")
                for path in catalog.filter(mine)["path"]
            ]
            rows = pl.concat(frames).unique()
            found[source] = rows.sort(rows.columns).rows()
        self.box.drop_warehouse()
        self.box.run(" ".join(SOURCES.values()))
        for model in SOURCES.values():
            found[model] = self.box.query(
                f"select * exclude (load_id) from history.{model} order by all"
            )
        return found


@pytest.fixture(scope="module")
def clean(
    tmp_path_factory: pytest.TempPathFactory,
    dataset: Dataset,
    server: SandboxServer,
    dbt_target: Path,
) -> tuple[dict[str, Any], int]:
    """What one clean run gives, and how many changes to files it makes."""
    assert dbt_target.is_dir()
    first = Lake(tmp_path_factory.mktemp("clean"), dataset, server)
    changes = first.land()
    content = first.content()
    assert all(len(rows) > 50 for rows in content.values()), "there is something to lose"
    return content, changes


@pytest.fixture
def other(tmp_path: Path, dataset: Dataset, server: SandboxServer) -> Iterator[Lake]:
    yield Lake(tmp_path, dataset, server)
    server.set_faults([])


@pytest.mark.slow
def test_a_run_killed_at_any_point_and_repeated(clean: Any, other: Lake) -> None:
    content, changes = clean
    # folders are made once: a repeated run makes fewer changes, so the last point is before the end
    for part in (0.02, 0.2, 0.4, 0.6):
        other.land(die_at=max(1, round(part * changes)))
    other.land(die_at=-1)
    other.land()
    assert other.content() == content


@pytest.mark.slow
def test_two_runs_at_the_same_time(clean: Any, other: Lake) -> None:
    children = [other.start(), other.start()]
    for child in children:
        _, error = child.communicate(timeout=180)
        assert child.returncode == 0, error
    assert read_catalog(other.settings)["load_id"].n_unique() == 2 * len(SOURCES)
    assert other.content() == clean[0]


@pytest.mark.slow
def test_the_local_dlt_folder_deleted_between_runs(clean: Any, other: Lake) -> None:
    other.land()
    shutil.rmtree(other.settings.dlt_dir, ignore_errors=True)
    (Path(other.settings.lake_dir) / CATALOG).unlink()
    other.land()
    assert other.content() == clean[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["duplicate_page", "unordered"])
def test_pages_shuffled_or_repeated(
    clean: Any, other: Lake, server: SandboxServer, kind: str
) -> None:
    server.set_faults([{"source": source, "kind": kind} for source in SOURCES])
    other.land()
    assert other.content() == clean[0]
