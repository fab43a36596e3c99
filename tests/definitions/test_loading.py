"""The code location loads bare: no environment, no socket, no file written, nothing heavy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets import dbt_project

REPO = Path(__file__).resolve().parents[2]

_WATCHED = """
import json, os, sys

seen = []

def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        seen.append([event, str(arguments[1:])])
    elif event == "socket.bind":
        # urllib3 tries whether there is IPv6: sockets are blocked, and it has to live with that
        raise OSError("no sockets here")
    elif event == "subprocess.Popen" and arguments[0] == "file":
        pass  # platform.architecture(), asked by a library: looks at Python's own binary
    elif event in {"os.mkdir", "os.rename", "os.remove", "os.truncate", "subprocess.Popen"}:
        seen.append([event, str(arguments[0])])
    elif event == "open":
        path, mode, flags = arguments
        if isinstance(path, int) or str(path) == os.devnull:
            return
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND):
            seen.append([event, str(path)])

sys.addaudithook(watch)
from assets.definitions import defs
repository = defs().get_repository_def()
heavy = {"great_expectations", "pandas", "dlt", "uvicorn", "starlette"} & set(sys.modules)
print(json.dumps({
    "seen": seen,
    "heavy": sorted(heavy),
    "assets": len(repository.asset_graph.get_all_asset_keys()),
    "jobs": sorted(repository.job_names),
}))
"""


@pytest.fixture(scope="module")
def bare() -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-B", "-c", _WATCHED],
        env={},
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"the code location does not load bare:\n{done.stderr}"
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_is_done_at_import(bare: dict[str, object]) -> None:
    assert bare["seen"] == [], "loading the definitions touches files, sockets or processes"


def test_nothing_heavy_is_imported(bare: dict[str, object]) -> None:
    assert bare["heavy"] == []


def test_jobs_are_there(bare: dict[str, object]) -> None:
    assert {"daily", "backfill", "history", "rebuild", "publish"} <= set(bare["jobs"])  # type: ignore[call-overload]


def test_workspace_names_the_definitions() -> None:
    import yaml

    (entry,) = yaml.safe_load((REPO / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"] == {
        "module_name": "assets.definitions",
        "attribute": "defs",
        "location_name": "tokenmart",
    }


def test_missing_manifest_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dbt_project, "_FOLDER", tmp_path)
    (tmp_path / "dbt_project.yml").write_text("name: x\nversion: '1'\nprofile: x\n")
    (tmp_path / "profiles.yml").write_text("x: {}\n")
    dbt_project.manifest.cache_clear()
    try:
        assert not dbt_project.is_parsed()
        with pytest.raises(dbt_project.ManifestMissing, match="make install"):
            dbt_project.manifest()
    finally:
        dbt_project.manifest.cache_clear()


def test_changed_model_makes_the_manifest_old(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dbt_project, "_FOLDER", tmp_path)
    for name in ("dbt_project.yml", "profiles.yml"):
        (tmp_path / name).write_text("name: x\nversion: '1'\nprofile: x\n")
    model = tmp_path / "models" / "a.sql"
    built = tmp_path / "target" / "manifest.json"
    for path, instant in ((model, 100), (built, 200)):
        path.parent.mkdir()
        path.write_text("{}")
        os.utime(path, (instant, instant))
    for name in ("dbt_project.yml", "profiles.yml"):
        os.utime(tmp_path / name, (100, 100))
    assert dbt_project.is_parsed()

    os.utime(model, (300, 300))
    assert not dbt_project.is_parsed()


def test_the_whole_repository_loads_as_the_ui_loads_it() -> None:
    # names that clash show only when every definition is loaded: the UI does, a single job does not
    from assets.definitions import build_defs

    build_defs().get_repository_def().load_all_definitions()
