"""Where a run's time went: a line for each stage and source, and a bar for when it worked.

As text for a terminal, and as a picture for Dagster's page of the run.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from xml.etree import ElementTree as ET  # nosec B405  # written here, and never parsed

import dagster as dg

from assets.account import RunAccount, Stage, account_of
from assets.compat.run_note import note_on_run
from assets.failures import stage_of
from assets.ingestion import OP_NAME

WIDTH = 80
_NAME_WIDTH = 32
_SECONDS_WIDTH = 10
_BAR_WIDTH = WIDTH - _NAME_WIDTH - _SECONDS_WIDTH
# of the picture: pixels of a character and of a line, the colours of a stage and of a source
_CHARACTER_PX, _LINE_PX = 8, 18
_STAGE_COLOUR, _SOURCE_COLOUR = "#4c78a8", "#9ecae9"
_LOG = logging.getLogger("tokenmart.timeline")


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


def picture(run: RunAccount) -> bytes:
    """Return the run's time line as an SVG: the same lines, their bars to the pixel."""
    scale = _BAR_WIDTH * _CHARACTER_PX / run.seconds if run.seconds else 0.0
    lines = tuple(_in_order(run))
    image = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        width=str(WIDTH * _CHARACTER_PX),
        height=str((len(lines) + 1) * _LINE_PX),
        attrib={"font-family": "sans-serif", "font-size": "12"},
    )
    # the page behind it may be dark
    ET.SubElement(image, "rect", width="100%", height="100%", fill="white")
    for number, (depth, stage) in enumerate(lines, 1):
        baseline = str(number * _LINE_PX)
        name = ET.SubElement(image, "text", x=str((1 + 2 * depth) * _CHARACTER_PX), y=baseline)
        name.text = stage.name[: _NAME_WIDTH - 1]
        ET.SubElement(
            image,
            "rect",
            x=f"{_NAME_WIDTH * _CHARACTER_PX + (stage.start - run.start) * scale:.1f}",
            y=str((number - 1) * _LINE_PX + _LINE_PX // 3),
            width=f"{max(1.0, stage.seconds * scale):.1f}",
            height=str(_LINE_PX - 4),
            fill=_SOURCE_COLOUR if depth else _STAGE_COLOUR,
        )
        took = ET.SubElement(image, "text", x=str((WIDTH - 1) * _CHARACTER_PX), y=baseline)
        took.set("text-anchor", "end")
        took.text = f"{stage.seconds:,.1f} s"
    return ET.tostring(image)


def note_time_line(instance: dg.DagsterInstance, run_id: str) -> None:
    """Put the picture of a run that is over into what Dagster keeps of it."""
    try:
        account = account_of(instance, run_id)
        if account is None:
            return
        image = base64.b64encode(picture(account)).decode("ascii")
        note_on_run(
            instance,
            run_id,
            f"Where the time went: {account.seconds:,.1f} s",
            {"time line": dg.MetadataValue.md(f"![time line](data:image/svg+xml;base64,{image})")},
        )
    except Exception:  # noqa: BLE001  # a picture must not end a run that went well
        _LOG.exception("the time line of run %s could not be noted", run_id)


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
