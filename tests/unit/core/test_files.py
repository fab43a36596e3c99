"""What the product keeps is written whole or not at all."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.files import FileDamaged, naming, replace_file
from pipelines.core.settings import REPO_DIR

_WRITERS = re.compile(
    r"\.write_(?:text|bytes)\(|\.open\([^)]*[\"'](?:w|wb|x|xb)[\"']|\bopen\([^)]*[\"'](?:w|wb)[\"']"
    r"|\bpipe_file\(|\.mv\(|shutil\.(?:copyfile|copy2)\("
)
# each with the reason why a torn file does no harm there
_FREE = {
    "pipelines/core/files.py": "it is the one that does it",
    "pipelines/lake/storage.py": "a bucket shows an object when it is whole",
    "pipelines/lake/upkeep.py": "it moves a damaged file out of the lake",
    "pipelines/publishing/publisher.py": "the lock: it holds nothing",
    "pipelines/publishing/pointer.py": "the copy of a database, beside, where links cannot be",
    "pipelines/sandbox/generate.py": "a folder of its own that gets its name when it is whole",
    "pipelines/declaring/declarations.py": "the project's own texts, which git keeps",
    "pipelines/declaring/scaffold.py": "the project's own texts, which git keeps",
    "pipelines/site/build.py": "a folder of its own that gets its name when it is whole",
    "pipelines/research/report.py": "a page that is made again on demand",
    "pipelines/research/decisions_report.py": "a page that is made again on demand",
    "pipelines/research/backtest_report.py": "a page that is made again on demand",
    "assets/transformation.py": "dbt's parsed project, lent to a run's own folder",
    "assets/command/ui.py": "a log: it grows",
}


def test_a_file_is_written_by_one_function() -> None:
    """Nobody writes a file that is kept in his own way: where he is killed, it would be torn."""
    found = {
        path.relative_to(REPO_DIR).as_posix()
        for folder in ("pipelines", "assets")
        for path in (REPO_DIR / folder).rglob("*.py")
        if _WRITERS.search(path.read_text(encoding="utf-8"))
    }
    assert not found - set(_FREE), "use pipelines.core.files.replace_file (or lake.storage.put)"


def test_a_full_disk_leaves_the_file_of_before_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "kept.json"
    replace_file(target, b"before")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*kept\.json'"):
        replace_file(target, b"after")

    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("line", ["fsync", "replace"])
def test_who_is_killed_while_he_writes_leaves_the_file_of_before(tmp_path: Path, line: str) -> None:
    target = tmp_path / "kept.json"
    replace_file(target, b"before")
    die = "lambda *_: os.kill(os.getpid(), 9)"
    attach = f"os.fsync = {die}" if line == "fsync" else f"pathlib.Path.replace = {die}"
    program = (
        f"import os, pathlib, sys; from pipelines.core.files import replace_file; {attach}; "
        "replace_file(pathlib.Path(sys.argv[1]), b'after')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], cwd=REPO_DIR)

    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"before"


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileDamaged, match=r"kept\.json is damaged \(no number\)\. It is the count"),
        naming(tmp_path / "kept.json", "the count", "Delete it.", ValueError),
    ):
        raise ValueError("no number")
