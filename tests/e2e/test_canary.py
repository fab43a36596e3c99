"""What a version of the code would publish, told before anybody switches to it."""

import json

import pytest

from tests.e2e.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_the_same_code_publishes_the_same_and_touches_nothing(project: Project) -> None:
    before = project.current
    lake = {path: path.stat().st_mtime_ns for path in (project.data_dir / "lake").rglob("*")}
    done = project.run("canary")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "the same, to the last bit" in done.stdout
    assert project.current == before
    assert lake == {p: p.stat().st_mtime_ns for p in (project.data_dir / "lake").rglob("*")}

    # as if the code that published had another formula
    manifest = project.data_dir / "published" / before.version / "manifest.json"
    content = json.loads(manifest.read_text())
    content["content_hash"] = content["marts"][0]["content_hash"] = "0" * 64
    manifest.write_text(json.dumps(content))
    done = project.run("canary")
    assert done.returncode == 1, f"{done.stdout}\n{done.stderr}"
    assert content["marts"][0]["name"] in done.stdout
    assert "publishes something else" in done.stdout
