"""`python -m tests.chaos`: pull the plug at random moments, and see that nothing is lost.

A command is killed several times one after the other (with all that it started, or it alone, as the
kernel does when memory is short), run to its end, and what is published is compared with what an
uninterrupted run published. Then come the other faults. The seed decides everything but the
machine's own pace.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from pipelines.core.settings import REPO_DIR
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.chaos import kills, stages
from tests.chaos.box import Box, Command
from tests.chaos.faults import FAULTS, Case, Skipped
from tests.chaos.kills import Chain, Lane

# the smallest market that the planted defects leave room for, and that fills the same marts as a
# larger one of so many days
_END = date(2024, 4, 1)
_MARKET = GeneratorSettings(
    name="chaos", start=date(2024, 1, 1), end=_END,
    assets=15, stablecoins=7, venues=3, perpetuals=2, protocols=8,
)  # fmt: skip
_KILLS_A_CHAIN = 8
# of all kills: cheap ones are more, and come first
_SHARES = {"publication": 0.35, "first-run": 0.25, "landed": 0.2, "next-day": 0.2}
_LANDING = (stages.START, stages.LANDING_HISTORY)
_BUILDING = (
    stages.DBT_START, stages.SEEDS, stages.HISTORY, stages.STAGING, stages.INTERMEDIATE,
    stages.MARTS, stages.TESTS,
)  # fmt: skip
_REPORT = REPO_DIR / "data" / "chaos" / "report.txt"


def main() -> int:
    """Do it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="lanes")
    parser.add_argument("--lanes", nargs="*", choices=_SHARES, default=list(_SHARES))
    parser.add_argument("--faults", nargs="*", help="these alone; without a name: none")
    parser.add_argument("--keep", type=Path, help="a folder to work in, which is kept")
    parser.add_argument("--report", type=Path, default=_REPORT)
    options = parser.parse_args()
    home = (options.keep or Path(tempfile.mkdtemp(prefix="chaos-"))).resolve()
    home.mkdir(parents=True, exist_ok=True)
    report = Report(options.report, options.seed)
    try:
        boxes = Boxes(home)
        _kills(boxes, options, home, report)
        _faults(boxes, home, options.seed, options.faults, report)
    finally:
        if options.keep is None:
            shutil.rmtree(home, ignore_errors=True)
    return report.end()


class Report:
    """The table of what was done and what came of it; printed, and written as it grows."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._chains: list[Chain] = []
        self._faults: list[str] = []
        self._failures = 0
        self._started = time.monotonic()
        self._one_at_a_time = threading.Lock()

    def add(self, chain: Chain) -> None:
        with self._one_at_a_time:
            self._chains.append(chain)
            self._failures += bool(chain.problem)
            self._say(str(chain))

    def add_fault(self, name: str, outcome: str, *, is_good: bool) -> None:
        self._faults.append(f"| {name} | {outcome} |")
        self._failures += not is_good
        self._say(f"{name}: {outcome}")

    def _say(self, line: str) -> None:
        print(line, flush=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._text(), encoding="utf-8")

    def _text(self) -> str:
        parts = [
            f"# Chaos, seed {self._seed}",
            f"{(time.monotonic() - self._started) / 60:.0f} minutes, {self._failures} failures",
        ]
        if self._chains:
            chains = "\n".join(f"- {chain}" for chain in self._chains)
            parts += [kills.table(self._chains), f"## Chains\n\n{chains}"]
        if self._faults:
            parts += [
                "## Other faults\n\n| fault | outcome |\n|---|---|\n" + "\n".join(self._faults)
            ]
        return "\n\n".join(parts) + "\n"

    def end(self) -> int:
        print(f"\n{self._text()}\n{self._path}")
        return 1 if self._failures else 0


class Boxes:
    """What kills and faults begin with; what was made in a folder that is kept is not made again.

    Attributes:
        first: the market after its first day.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        if not (home / "market").exists():
            generate(_MARKET, home / "market")
        self._first_run = ("daily", "--day", (_END - timedelta(days=1)).isoformat())
        self.first = self._box("first")
        self._of_first = _uninterrupted(self._box("nothing"), self.first, self._first_run)

    def _box(self, name: str) -> Box:
        return Box(self._home / name, self._home / "market")

    def lane(self, name: str) -> Lane:
        """Return where kills begin, by one of the names that have shares."""
        lanes = {
            "publication": self.publication, "first-run": self.first_run,
            "landed": self.landed, "next-day": self.next_day,
        }  # fmt: skip
        return lanes[name]()

    def first_run(self) -> Lane:
        """Kill the first run while it lands the history."""
        return self._lane("first-run", self._box("nothing"), _LANDING)

    def landed(self) -> Lane:
        """Kill it while it builds a warehouse of what was landed before."""
        landed = self._box("landed")
        if not landed.data_dir.exists():
            landed.killed(self._first_run, stages.DBT_START, 0, whole_tree=True)
        return self._lane("landed", landed, _BUILDING)

    def _lane(self, name: str, before: Box, killed: Sequence[str]) -> Lane:
        moments = {stage: found for stage, found in self._of_first.items() if stage in killed}
        return Lane(name, before, self._first_run, self.first.result(), moments)

    def next_day(self) -> Lane:
        """Kill the run of the next day, in every stage."""
        after = self._box("next-day")
        moments = _uninterrupted(self.first, after, ("daily",))
        return Lane("next-day", self.first, ("daily",), after.result(), moments)

    def publication(self) -> Lane:
        """Kill checking and publishing what is built."""
        after = self._box("again")
        moments = _uninterrupted(self.first, after, ("publish",))
        return Lane("publication", self.first, ("publish",), after.result(), moments)


def _uninterrupted(before: Box, after: Box, command: Command) -> dict[str, list[float]]:
    """Run a command on a copy of a box, and return in which stage it was when."""
    notes = after.data_dir.with_suffix(".json")
    if not notes.exists():
        before.copy(after.data_dir)
        found = kills.profile(after, command)
        after.check_readers()
        after.check_leftovers()
        notes.write_text(json.dumps(found), encoding="utf-8")
    moments: dict[str, list[float]] = json.loads(notes.read_text(encoding="utf-8"))
    return moments


def _kills(boxes: Boxes, options: argparse.Namespace, home: Path, report: Report) -> None:
    """Make the kills, in several lanes at a time."""
    of_all = sum(_SHARES[name] for name in options.lanes)

    def work(name: str) -> None:
        count = round(options.kills * _SHARES[name] / of_all)
        for chain in _chains(boxes, name, count, options.seed, home) if count else ():
            report.add(chain)

    with ThreadPoolExecutor(options.at_once) as pool:
        list(pool.map(work, options.lanes))


def _chains(boxes: Boxes, name: str, count: int, seed: int, home: Path) -> Iterator[Chain]:
    """Make so many kills in a lane, and yield each chain of them.

    A kill that comes too late, because the command was over, is none, and is made up for.
    """
    lane, made, drawn = boxes.lane(name), 0, 0
    while made < count and drawn < 3 * count:
        length = min(_KILLS_A_CHAIN, count - made)
        chain = kills.run_chain(lane, length, f"{seed}-{name}-{drawn}", home, offset=drawn)
        made, drawn = made + len(chain.kills), drawn + length
        yield chain


def _faults(
    boxes: Boxes, home: Path, seed: int, names: Sequence[str] | None, report: Report
) -> None:
    """Do each fault to a project after its first day; its next day must not tell."""
    if names is not None and not names:
        return
    expected = boxes.next_day().expected
    for fault in FAULTS:
        if names is not None and fault.__name__ not in names:
            continue
        name = fault.__name__.replace("_", " ")
        box = boxes.first.copy(home / fault.__name__)
        case = Case(box, _END, expected, random.Random(f"{seed} {name}"))
        try:
            report.add_fault(name, fault(case), is_good=True)
        except Skipped as reason:
            report.add_fault(name, f"skipped: {reason}", is_good=True)
        except Exception as problem:  # noqa: BLE001  # one failure must not hide the others
            report.add_fault(name, f"FAILED: {problem}", is_good=False)
        else:
            shutil.rmtree(box.data_dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
