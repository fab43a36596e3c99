"""Every mart built from one history: day by day, at once, out of order and after a crash.

A market is walked through as if each step were today: its server answers as it would have answered
then, with what was late, restated or deleted meanwhile, and the state of every mart is kept, as a
ledger would. Minutes of building: `make test-slow`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window, clock_at
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.generate import GeneratorSettings, generate
from pipelines.sandbox.generator.exchanges import EXCHANGES
from tests.models import lake_box as boxes
from tests.models.panel import Mart, difference, marts
from tests.models.test_point_in_time_everywhere import build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

START, END = date(2024, 1, 1), date(2024, 6, 8)
LOOKBACK = timedelta(days=14)

State = dict[str, pl.DataFrame]


def compared() -> list[Mart]:
    return marts(boxes.manifest())


def state(box: boxes.LakeBox) -> State:
    """Return every mart, whole."""
    found = {}
    for mart in compared():
        wanted = ", ".join(f'"{name}"' for name in (*mart.key, *mart.compared))
        found[mart.name] = box.frame(f"select {wanted} from marts.{mart.name}")
    return found


def apart(found: State, expected: State) -> list[str]:
    """Say in which marts two states differ, beyond the last digits."""
    return [
        line
        for mart in compared()
        for line in difference(mart, found[mart.name], expected[mart.name])
    ]


@dataclass
class Replay:
    """The lake after all steps, and what every mart said after each of them."""

    box: boxes.LakeBox
    steps: list[date]
    instants: list[datetime] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    catalogs: list[pl.DataFrame] = field(default_factory=list)

    def news(self, step: int) -> pl.DataFrame:
        """The catalog lines of the loads that a step brought."""
        before = set(self.catalogs[step - 1]["path"]) if step else set()
        return self.catalogs[step].filter(~pl.col("path").is_in(sorted(before)))

    def elsewhere(self, data_dir: Path, steps: list[int]) -> boxes.LakeBox:
        """Return a box of its own whose lake has the loads of some steps."""
        for path in self.catalogs[-1]["path"]:
            target = data_dir / "lake" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(self.box.lake_dir / path, target)
        box = boxes.LakeBox(data_dir, environment=dict(self.box.environment))
        self.arrive(box, steps)
        return box

    def arrive(self, box: boxes.LakeBox, steps: list[int]) -> None:
        pl.concat([self.news(step) for step in steps]).write_parquet(
            box.lake_dir / "catalog.parquet"
        )


def steps_of(dataset: Path) -> list[date]:
    """The day of the first restated rows, the day after their restatement, one in between, the end.

    Rows that came late or vanished meanwhile are among the others' windows.
    """
    scenarios = json.loads((dataset / "dataset.json").read_text())["scenarios"]
    restated = min(
        date.fromisoformat(scenario["to"]) for scenario in scenarios if scenario["id"] == "F-7"
    )
    return [restated, restated + timedelta(days=1), restated + timedelta(days=12), END]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory, dbt_target: Path) -> Replay:
    folder = tmp_path_factory.mktemp("replay")
    dataset = folder / "dataset"
    generate(
        GeneratorSettings(
            name="replay",
            start=START,
            end=END,
            assets=20,
            venues=len(EXCHANGES),
            perpetuals=2,
            stablecoins=7,
            protocols=12,
        ),
        dataset,
    )
    box = boxes.LakeBox(folder / "daily", environment={"TOKENMART_CURATION_DIR": str(dataset)})
    found = Replay(box, steps_of(dataset))
    with SandboxServer(dataset) as server:
        first = START
        for last in found.steps:
            instant = boxes.day_start(last) + timedelta(days=1, hours=6)
            server.set_clock(instant)
            settings = Settings(
                data_dir=box.data_dir,
                sandbox_url=server.url,
                dataset=str(dataset),
                curation_dir=dataset,
                now=instant,
            )
            window = Window(first, last + timedelta(days=1))
            for name in sources.SOURCES:
                report = landing.land(name, window, settings, clock_at(instant), f"run {last}")
                assert not report.failures, f"{name} on {last}: {report.failures}"
            write_catalog(settings)
            build(box)
            found.instants.append(instant)
            found.states.append(state(box))
            found.catalogs.append(pl.read_parquet(box.lake_dir / "catalog.parquet"))
            first = last + timedelta(days=1) - LOOKBACK
    return found


@pytest.fixture(scope="module")
def at_once(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> boxes.LakeBox:
    """The warehouse of the whole lake, built from nothing."""
    box = replay.elsewhere(tmp_path_factory.mktemp("at_once"), [0, 1, 2, 3])
    build(box)
    return box


def test_day_by_day_and_at_once_are_the_same(replay: Replay, at_once: boxes.LakeBox) -> None:
    """Every column of every mart, those that tell of runs and revisions included."""
    assert apart(replay.states[-1], state(at_once)) == []


def test_what_came_later_is_seen_by_the_comparison(replay: Replay) -> None:
    """The comparison can fail: the restated days differ between the last step and the first."""
    day = replay.steps[0]
    early, late = (
        {name: frame.filter(pl.col("day") <= day) for name, frame in kept.items() if "day" in frame}
        for kept in (replay.states[0], replay.states[-1])
    )
    seen = {
        mart.name
        for mart in compared()
        if mart.name in early and difference(mart, early[mart.name], late[mart.name])
    }
    assert {"price_daily", "returns_risk_daily", "stablecoin_supply_daily"} <= seen


@pytest.mark.parametrize("step", [0, 2])
def test_as_of_an_instant_is_what_was_said_then(
    replay: Replay, at_once: boxes.LakeBox, step: int
) -> None:
    """Grades, signals, alerts, depegs and all else, as the ledger of the step."""
    at_once.dbt(
        "build",
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
        "--vars",
        f"{{as_of: '{replay.instants[step].isoformat()}'}}",
    )
    assert apart(state(at_once), replay.states[step]) == []


def test_out_of_order_and_after_a_crash_is_the_same(replay: Replay, tmp_path: Path) -> None:
    """The last load first, a build that dies half way, and the rest at once."""
    box = replay.elsewhere(tmp_path / "shuffled", [3, 0])
    [path, *_] = replay.news(3).filter(
        pl.col("source") == "defillama_stablecoins", pl.col("row_count") > 0
    )["path"]
    broken = box.lake_dir / path
    content = broken.read_bytes()
    broken.unlink()
    broken.write_bytes(content[: len(content) // 2])
    nothing_else = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    assert not box.dbt("build", *nothing_else, check=False).success, "half a file was believed"
    broken.write_bytes(content)
    replay.arrive(box, [3, 0, 2])
    box.dbt("build", "--select", "path:models/history", *nothing_else)
    replay.arrive(box, [3, 0, 2, 1])
    build(box)
    assert apart(state(box), replay.states[-1]) == []
