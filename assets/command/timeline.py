"""Where a run's time went: a line for each stage and source, and a bar for when it worked."""

from __future__ import annotations

from collections.abc import Iterator

from assets.account import RunAccount, Stage
from assets.failures import stage_of
from assets.ingestion import OP_NAME

WIDTH = 80
_NAME_WIDTH = 32
_SECONDS_WIDTH = 10
_BAR_WIDTH = WIDTH - _NAME_WIDTH - _SECONDS_WIDTH


def draw(run: RunAccount) -> list[str]:
    """Return the run's time line, each line of 80 characters at the most."""
    worked = sum(stage.seconds for stage in run.stages)
    return [
        f"{run.job} {run.days}: {run.state}, {run.seconds:,.1f} s",
        f"run {run.run_id}",
        "",
        *(_line(run, depth, stage) for depth, stage in _in_order(run)),
        f"{'between the stages':<{WIDTH - _SECONDS_WIDTH}}{run.seconds - worked:>8,.1f} s",
    ]


def _in_order(run: RunAccount) -> Iterator[tuple[int, Stage]]:
    for stage in run.stages:
        yield 0, stage
        if stage.name == stage_of(OP_NAME):
            yield from ((1, load) for load in run.sources)


def _line(run: RunAccount, depth: int, stage: Stage) -> str:
    scale = _BAR_WIDTH / run.seconds if run.seconds else 0.0
    before = min(int((stage.start - run.start) * scale), _BAR_WIDTH - 1)
    length = max(1, min(round(stage.seconds * scale), _BAR_WIDTH - before))
    name = f"{'  ' * depth}{stage.name}"[: _NAME_WIDTH - 1]
    bar = " " * before + ("░" if depth else "█") * length
    return f"{name:<{_NAME_WIDTH}}{bar:<{_BAR_WIDTH}}{stage.seconds:>8,.1f} s"
