"""The lake is the truth: a backup of it alone, after all else is lost, gives the same marts."""

import re
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
    before, backups = project.current, str(tmp_path / "backups")
    for copied in (r"; \d[\d,]* of them copied", r"; 0 of them copied, 0\.0 MB"):
        saved = project.run("backup", backups)
        assert saved.returncode == 0, saved.stdout
        assert re.search(copied, saved.stdout), saved.stdout
    refused = project.run("restore", backups)
    assert refused.returncode == 1
    assert "a backup is restored into an empty folder" in refused.stdout

    shutil.rmtree(project.data_dir)
    brought_back = project.run("restore", backups)
    assert brought_back.returncode == 0, brought_back.stdout
    verified = project.run("lake", "verify")
    assert verified.returncode == 0, verified.stdout

    early = project.run("publish")
    assert early.returncode == 1
    assert "nothing was built yet" in early.stdout

    as_of = project.run("rebuild", "--as-of", f"{AS_OF}T06:00:00Z")
    # all that was landed was landed later
    assert as_of.returncode == 1, as_of.stdout
    assert f"nothing was known at {AS_OF} 06:00 UTC" in as_of.stdout

    rebuilt = project.run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout
    published = project.run("publish")
    assert published.returncode == 0, published.stdout
    assert project.current.content_hash == before.content_hash
    assert project.current.newest_day == END
