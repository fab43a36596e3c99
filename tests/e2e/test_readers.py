"""Twenty readers of three kinds while fifty publications follow one another: no answer is wrong."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.readers import HOLDER, KINDS, under_fire
from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

READERS, PUBLICATIONS = 20, 50


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    """A Python with the clients that users have, and nothing of the project."""
    python = tmp_path / "clients/bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "clients"], check=True)
    packages = ["duckdb-sqlalchemy", "polars"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python


def test_no_reader_sees_a_publication_come_or_go(project: Project, clients: Path) -> None:
    seen = under_fire(project.settings, clients, publications=PUBLICATIONS, readers=READERS)

    rounds: Counter[str] = Counter()
    for reader in seen:
        rounds[reader.kind] += reader.rounds
    print(f"\n{PUBLICATIONS} publications, rounds by kind of reader: {dict(rounds)}")
    failures = [failure for reader in seen for failure in reader.failures]
    assert failures == []
    assert set(rounds) == {HOLDER, *KINDS}
    assert len(seen) == READERS + 1
    # they were there all along, and one of them had the first version open to the end
    (holder,) = (reader for reader in seen if reader.kind == HOLDER)
    assert holder.versions == ("0.0",)
    for reader in seen:
        if reader.kind != HOLDER:
            assert len(reader.versions) > 5, f"a reader has hardly seen anything: {reader}"
