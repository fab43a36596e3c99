"""Run slow proofs as long as there is time: the most telling ones, then a part that changes.

The files with slow tests take hours together. Each run begins with the same few, and goes on at
another place of the others, which follows from the number of commits; so all of them run within a
few runs. A table says which ran; one that failed fails the whole.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
FIRST = (
    "tests/e2e/test_recorded_data.py",
    "tests/e2e/test_ui_backfill.py",
    "tests/sandbox/test_optional_tables.py",
    "tests/definitions/test_compat.py",
)
# the machine's cores
AT_ONCE = 2
# of so many parts each run begins with another one
PARTS = 4
_SLOW = re.compile(r"\bmark\.slow\b")
_NO_TESTS = 5


def slow_files() -> list[str]:
    """Return the test files that have slow tests, by name."""
    files = (REPO / "tests").rglob("test_*.py")
    slow = (path for path in files if _SLOW.search(path.read_text(encoding="utf-8")))
    return sorted(path.relative_to(REPO).as_posix() for path in slow)


def order(files: Sequence[str], number: int) -> list[str]:
    """Return the files in the order in which a run takes them: the first ones, then from its part.

    Args:
        files: all that are slow.
        number: of the run; the next run begins with the next part.
    """
    first = [name for name in FIRST if name in files]
    others = [name for name in files if name not in FIRST]
    begin = len(others) * (number % PARTS) // PARTS
    return [*first, *others[begin:], *others[:begin]]


def prove(name: str) -> tuple[int, str]:
    """Run the slow tests of a file; return pytest's exit code and what it said."""
    command = [sys.executable, "-m", "pytest", "-m", "slow", name]
    done = subprocess.run(
        command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return (0 if done.returncode == _NO_TESTS else done.returncode), done.stdout


def run(
    names: Sequence[str], seconds: float, proof: Callable[[str], tuple[int, str]] = prove
) -> int:
    """Run proofs until the time is over; return how many failed.

    Args:
        names: in this order.
        seconds: none begins later.
        proof: runs one.
    """
    began = time.monotonic()
    table: dict[str, str] = {}
    failed = []

    def one(name: str) -> None:
        start = time.monotonic()
        if start - began >= seconds:
            return
        code, said = proof(name)
        took = f"{time.monotonic() - start:,.0f} s"
        table[name] = f"passed in {took}" if code == 0 else f"FAILED in {took}"
        failed.extend([name] if code else [])
        print(f"\n==> {name}\n{said.rstrip()}", flush=True)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, names))
    print("\n==> slow proofs")
    for name in names:
        print(f"{name:<55} {table.get(name, 'not in this run')}")
    print(f"{len(table)} of {len(names)} ran, {len(failed)} failed", flush=True)
    return len(failed)


def main() -> int:
    """Run what is this run's; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="none begins later")
    asked = parser.parse_args()
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=REPO, capture_output=True, text=True, check=True
    )
    return 1 if run(order(slow_files(), int(counted.stdout)), asked.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
