"""The skeleton of a source holds from the start: what is written of it, and its own tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.declaring.scaffold import ScaffoldError, scaffold

REPO = Path(__file__).resolve().parents[2]
COPIED = ("pipelines", "dbt", "docs", "tests")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which files may be written."""
    left_out = shutil.ignore_patterns("__pycache__", "target", "logs")
    for name in COPIED:
        shutil.copytree(REPO / name, tmp_path / name, ignore=left_out)
    shutil.copy(REPO / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_skeleton_passes_its_tests_and_those_of_declarations(project: Path) -> None:
    written = scaffold("bitfinex", "Bitfinex", root=project)
    assert [name for name in written if not (project / name).is_file()] == []
    assert [name for name in written if "gateio" in name] == []
    own = [
        "pipelines/sources/bitfinex/tables.py",
        "pipelines/sandbox/server/wire/bitfinex.py",
        "dbt/models/history/hist_bitfinex__candlestick.sql",
        "tests/sources/bitfinex/test_bitfinex.py",
        "tests/sandbox/test_wire_bitfinex.py",
    ]
    assert set(own) <= set(written)
    for name in own:
        text = (project / name).read_text(encoding="utf-8").lower()
        assert "gate" not in text, f"{name} still speaks of the source that was copied"
    tests = ("tests/architecture/test_declarations.py", "tests/sources/bitfinex")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize(
    ("name", "like", "why"),
    [
        ("Bitfinex", "gateio", "no name of a package"),
        ("../bitfinex", "gateio", "no name of a package"),
        ("bitfinex", "mtgox", "no source mtgox to copy"),
        ("kraken", "gateio", "a source kraken already"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(name: str, like: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "pipelines/sources/kraken").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ScaffoldError, match=why):
        scaffold(name, "Name", like, root=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
