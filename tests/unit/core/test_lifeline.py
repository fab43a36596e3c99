"""What a process has started ends with it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.core.settings import REPO_DIR

_WRITES = """
import sys, time
from pathlib import Path
path = Path(sys.argv[1])
while True:
    path.write_text(str(time.monotonic()))
    time.sleep(0.02)
"""
_PROGRAM = f"""
import sys
from pipelines.core.lifeline import end_with
end_with(int(sys.argv.pop(1)))
{_WRITES}
"""
_IN_PROCESS = """
import subprocess, sys, os
subprocess.run([sys.executable, "-c", sys.argv[1], str(os.getpid()), sys.argv[2]])
"""
_ATTENDED = """
import subprocess, sys, os
command = [sys.executable, "-m", "pipelines.core.lifeline", str(os.getpid()), sys.executable, "-c"]
subprocess.run([*command, sys.argv[1], sys.argv[2]], start_new_session=True)
"""
_POOL = """
import sys, os
from pathlib import Path
from pipelines.lake import parallel

def write(path):
    import time
    while True:
        Path(path).write_text(str(time.monotonic()))
        time.sleep(0.02)

if __name__ == "__main__":
    parallel._processes().submit(write, sys.argv[2]).result()
"""


def _beats(path: Path) -> bool:
    """Whether somebody still writes to the file."""
    before = path.read_text() if path.exists() else ""
    time.sleep(0.3)
    return path.exists() and path.read_text() != before


@pytest.mark.parametrize(
    ("parent", "child"),
    [(_IN_PROCESS, _PROGRAM), (_ATTENDED, _WRITES), (_POOL, "")],
    ids=["a program of ours", "a program of others", "a process of a pool"],
)
def test_a_child_ends_with_a_killed_parent(tmp_path: Path, parent: str, child: str) -> None:
    path, script = tmp_path / "beat", tmp_path / "parent.py"
    script.write_text(parent)
    process = subprocess.Popen(
        [sys.executable, str(script), child, str(path)],
        env={**os.environ, "PYTHONPATH": str(REPO_DIR)},
    )
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, "the child did not start"
        time.sleep(0.05)
    assert _beats(path)

    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    deadline = time.monotonic() + 20
    while _beats(path):
        assert time.monotonic() < deadline, "the child goes on without its parent"


def test_a_program_that_is_attended_gives_its_exit_code() -> None:
    command = [sys.executable, "-m", "pipelines.core.lifeline", str(os.getpid())]
    done = subprocess.run([*command, sys.executable, "-c", "raise SystemExit(7)"], cwd=REPO_DIR)
    assert done.returncode == 7


def test_dbt_is_started_so_that_it_ends_with_this_process() -> None:
    from assets.dbt_project import dbt_command

    assert dbt_command()[-2:] == ("assets.compat.dbt_program", str(os.getpid()))
