"""The lake is the truth: a copy of it alone, in a new data folder, gives the same marts."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import END, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

AS_OF = END - timedelta(days=20)


def test_a_lake_that_is_restored_alone_is_rebuilt_and_published(
    project: Project, tmp_path: Path
) -> None:
    restored = Project(tmp_path / "restored", project.dataset)
    shutil.copytree(project.data_dir / "lake", restored.data_dir / "lake")

    early = restored.run("publish")
    assert early.returncode == 1
    assert "nothing was built yet" in early.stdout

    as_of = restored.run("rebuild", "--as-of", f"{AS_OF}T06:00:00Z")
    # all that was landed was landed later
    assert as_of.returncode == 1, as_of.stdout
    assert f"nothing was known at {AS_OF} 06:00 UTC" in as_of.stdout

    rebuilt = restored.run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout
    published = restored.run("publish")
    assert published.returncode == 0, published.stdout
    assert restored.current.content_hash == project.current.content_hash
    assert restored.current.newest_day == END
