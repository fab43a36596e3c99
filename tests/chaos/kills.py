"""Chains of kills: a command is killed again and again, at random moments, and then let run."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import stages
from tests.chaos.box import Box, Command, Result
from tests.chaos.readers import reading

# the kernel kills the command alone when memory is short; who pulls the plug kills all
WHOLE_TREE_FRAC = 0.75


@dataclass(frozen=True)
class Lane:
    """Where kills begin: what is there already, what is run, and the stages that are killed.

    Attributes:
        name: for people.
        before: the box as it is before the first kill.
        command: what is killed and run again.
        expected: what it leads to without a kill.
        moments: by stage, seconds since its beginning at which an uninterrupted run was in it.
    """

    name: str
    before: Box
    command: Command
    expected: Result
    moments: dict[str, list[float]]

    def draw(self, chance: random.Random, number: int) -> Moment:
        """Return when to kill: the stages come in turn, the moment in each by chance."""
        names = sorted(self.moments, key=stages.STAGES.index)
        stage = names[number % len(names)]
        is_whole = chance.random() < WHOLE_TREE_FRAC
        return Moment(stage, chance.choice(self.moments[stage]), whole_tree=is_whole)


@dataclass(frozen=True)
class Moment:
    """When to kill, and whom."""

    stage: str
    after_s: float
    whole_tree: bool


@dataclass(frozen=True)
class Kill:
    """One kill that was made: when it was to be, and in which stage the command really was."""

    moment: Moment
    stage: str

    def __str__(self) -> str:
        whom = "" if self.moment.whole_tree else ", the command alone"
        return f"{self.stage} ({self.moment.stage} + {self.moment.after_s:.1f} s{whom})"


@dataclass
class Chain:
    """Kills one after the other on one data folder, and what came of them.

    Attributes:
        lane: where they began.
        seed: of its dice.
        kills: those that were made.
        problem: what did not hold; empty: nothing.
        rounds: how often the reader looked at what was published.
        seconds: how long all of it took.
    """

    lane: str
    seed: str
    kills: list[Kill] = field(default_factory=list)
    problem: str = ""
    rounds: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        outcome = self.problem or "the same publication"
        killed = "; ".join(map(str, self.kills))
        return (
            f"{self.lane}, seed {self.seed}: {outcome} ({self.rounds} rounds of the reader, "
            f"{self.seconds:.0f} s): {killed}"
        )


def profile(box: Box, command: Command) -> dict[str, list[float]]:
    """Run a command to its end; return by stage the moments at which it was in it.

    A moment is the seconds since the stage was first entered, so that a slower or faster machine
    is still hit in the same stage.
    """
    seen: dict[str, list[float]] = {}
    entered: dict[str, float] = {}

    def note(seconds: float, stage: str) -> None:
        since = entered.setdefault(stage, seconds)
        seen.setdefault(stage, []).append(seconds - since)

    box.followed(command, note)
    return seen


def run_chain(lane: Lane, count: int, seed: str, home: Path, *, offset: int) -> Chain:
    """Kill so often, then let the command run; compare with what an uninterrupted run led to.

    Args:
        lane: where to begin.
        count: how many kills.
        seed: of the moments.
        home: where to work.
        offset: how many kills the lane has had: its stages come in turn.
    """
    chain, chance, started = Chain(lane.name, seed), random.Random(seed), time.monotonic()
    box = lane.before.copy(home / f"chain-{lane.name}")
    box.data_dir.mkdir(exist_ok=True)
    try:
        with reading("watch", box.settings.published_dir) as seen:
            for number in range(offset, offset + count):
                moment = lane.draw(chance, number)
                stage = box.killed(
                    lane.command, moment.stage, moment.after_s, whole_tree=moment.whole_tree
                )
                if stage is not None:
                    chain.kills.append(Kill(moment, stage))
                    box.check_readers()
            box.must(*lane.command)
        chain.rounds = sum(reader.rounds for reader in seen)
        chain.problem = "; ".join(
            [
                *(problem for reader in seen for problem in reader.failures),
                *filter(None, [lane.expected.differences(box.result())]),
            ]
        )
        box.check_readers()
        box.check_leftovers()
    except Exception as problem:  # noqa: BLE001  # one failure must not hide the others
        chain.problem = f"{type(problem).__name__}: {problem}"
    chain.seconds = time.monotonic() - started
    if not chain.problem:
        shutil.rmtree(box.data_dir, ignore_errors=True)
    else:
        box.data_dir.rename(home / f"failed {seed}".replace(" ", "-"))
    return chain


def table(chains: Sequence[Chain]) -> str:
    """Return how many kills hit each stage, and what came of them, as a table."""
    rows = []
    for stage in stages.STAGES:
        hit = [(chain, kill) for chain in chains for kill in chain.kills if kill.stage == stage]
        if hit:
            alone = sum(not kill.moment.whole_tree for _, kill in hit)
            good = sum(not chain.problem for chain, _ in hit)
            rows.append((stage, len(hit), len(hit) - alone, alone, good))
    rows.append(("all", *(sum(row[column] for row in rows) for column in range(1, 5))))  # type: ignore[misc]
    lines = ["| stage | kills | all processes | the command alone | same publication after |"]
    lines += ["|---|---|---|---|---|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines)
