"""Every error that a source is known to answer with, word for word, and what becomes of it.

`tests/sources/errors.csv` has one line for each: the request that it answers, status and body, and
what follows. What is asked again lands everything if it passes, and ends so if it stays. Of the
rest nothing is lost but what was asked for, and that never looks complete.
"""

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines import sources
from pipelines.core.settings import REPO_DIR, Settings, SourceOverrides
from pipelines.core.tables import QUARANTINE
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.run import Extraction
from pipelines.extraction.source import begin_extraction, extract
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from tests.sources.replay import FEW

ERRORS = REPO_DIR / "tests" / "sources" / "errors.csv"
ATTEMPTS = 2
# one protocol asks for enough
ONLY = {"defillama": ("uniswap",)}
FILES = "binance_files"
# of these sources the bodies of other statuses are read, too
READ = ("bitstamp", "coingecko", "ethereum")
ENDS = ("refused", "failed", "unavailable")
Line = dict[str, str]


def lines() -> list[Line]:
    with ERRORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cases() -> list[Line]:
    """Return the lines; those of every source once for each that has none of its own for it."""
    own = [line for line in lines() if line["source"] != "*"]
    kinds = {(line["source"], line["status"], line["media_type"]) for line in own}
    usual = {
        name: Counter(line["asked"] for line in own if line["source"] == name).most_common(1)[0][0]
        for name in SOURCES
    }
    shared = [
        {**line, "source": name, "asked": usual[name]}
        for line in lines()
        if line["source"] == "*"
        for name in SOURCES
        if (name, line["status"], line["media_type"]) not in kinds
    ]
    return own + shared


def marked() -> list[Any]:
    """Return what is no file; what a status alone decides is one client's: tried at leisure."""
    return [
        pytest.param(
            line,
            marks=()
            if line["section"][0] != "6" and (line["status"] == "200" or line["source"] in READ)
            else pytest.mark.slow,
        )
        for line in cases()
        if line["source"] != FILES
    ]


def title(line: Line) -> str:
    return f"{line['source']}-{line['status']}-{line['says'] or line['becomes']}"[:70]


Facts = dict[str, set[tuple[Any, ...]]]


@dataclass
class Outcome:
    """What a run landed, and how it went."""

    run: Extraction
    facts: Facts
    quarantine: list[dict[str, Any]]
    hits: int

    @property
    def problems(self) -> list[str]:
        return [*self.run.refusals, *self.run.failures]

    def complete(self, table_name: str) -> set[str]:
        """Entities of a table whose answers are said to be all of it."""
        return {
            row["entity_id"]
            for row in self.run.log().to_pylist()
            if row["table_name"] == table_name and row["status"] == "ok"
        }


Ask = Callable[..., Outcome]


@pytest.fixture
def ask(server: SandboxServer, dataset: Dataset, tmp_path: Path) -> Ask:
    """Ask a source for a day while the sandbox answers so; two attempts, no pauses."""

    def run(mount: str, fault: dict[str, Any] | None = None) -> Outcome:
        name = "binance" if mount == FILES else mount
        overrides = SourceOverrides(
            max_attempts=ATTEMPTS,
            max_retry_delay_s=0.01,
            entities=ONLY.get(name),
            bulk="always" if mount == FILES else "never",
        )
        settings = Settings(
            data_dir=tmp_path,
            sandbox_url=server.url,
            curation_dir=dataset.path,
            sources={name: overrides},
            _env_file=None,
        )
        source = sources.source(name)
        curated = universe.codes(settings, source.identity or name)
        few = curated & FEW or frozenset(sorted(curated)[:3])
        asking = begin_extraction(source, settings, FixedClock(dataset.now), "run", few)
        server.set_faults([{"source": mount, **fault}] if fault is not None else [])
        # a newest point may be left out as live: two days have one more
        window = Window.of_day(dataset.end).look_back(90 if mount == FILES else 1)
        facts: Facts = {}
        quarantine: list[dict[str, Any]] = []
        for table_name, rows in extract(source, asking, window):
            if table_name == QUARANTINE.name:
                quarantine += rows.to_pylist()
                continue
            cells = zip(*(column.to_pylist() for column in rows.columns), strict=True)
            facts.setdefault(table_name, set()).update(cells)
        hits = sum(fault["hits"] for fault in server.faults())
        return Outcome(asking, facts, quarantine, hits)

    return run


@pytest.fixture(scope="module")
def well() -> dict[str, Outcome]:
    """Outcomes without an error, made once for each source."""
    return {}


@pytest.fixture
def clean(ask: Ask, well: dict[str, Outcome]) -> Callable[[str], Outcome]:
    def of(mount: str) -> Outcome:
        if mount not in well:
            well[mount] = ask(mount)
            assert well[mount].problems == []
        return well[mount]

    return of


def _loses_only_what_was_refused(after: Outcome, before: Outcome, line: Line) -> None:
    """Nothing is invented, and nothing that was refused, or has lost a row, looks complete."""
    lost = {name: rows - after.facts.get(name, set()) for name, rows in before.facts.items()}
    for name, rows in after.facts.items():
        assert rows <= before.facts[name], f"{name}: rows that nobody sent"
    statuses = [row["status"] for row in after.run.log().to_pylist()]
    assert any(lost.values()) or "error" in statuses, f"{line['asked']}: all looks well"
    for name, rows in lost.items():
        complete = after.complete(name)
        for row in rows:
            assert complete.isdisjoint({"*", *row}), f"{name} has lost {row}, and looks complete"


def _ends(after: Outcome, becomes: str, says: str) -> None:
    (problem,) = after.problems
    assert says in problem, problem
    is_refused, has_stopped = bool(after.run.refusals), after.run.has_stopped
    ended = "refused" if is_refused else "unavailable" if has_stopped else "failed"
    assert ended == becomes, problem


@pytest.mark.parametrize("line", marked(), ids=title)
def test_what_becomes_of_an_error(line: Line, ask: Ask, clean: Callable[[str], Outcome]) -> None:
    before = clean(line["source"])
    fault = {
        "kind": "answer",
        "contains": line["asked"],
        "status": int(line["status"]),
        "body": line["body"],
        "media_type": line["media_type"],
        "retry_after": 0,
    }
    once = ask(line["source"], {**fault, "times": 1})
    assert once.hits == 1
    becomes, says = line["becomes"], line["says"]
    if becomes.startswith("again, then "):
        assert (once.problems, once.facts) == ([], before.facts)
        assert once.run.usage.retry_count == 1
        stays = ask(line["source"], fault)
        assert stays.hits == ATTEMPTS, "asked again as often as allowed, and no more"
        _ends(stays, becomes.removeprefix("again, then "), says)
        _loses_only_what_was_refused(stays, before, line)
    elif becomes == "less":
        assert (once.problems, once.facts) == ([], before.facts)
        assert once.run.usage.retry_count == 0, "the same range would be refused again"
    elif becomes == "empty":
        assert once.problems == []
        _loses_only_what_was_refused(once, before, line)
    else:
        _ends(once, becomes, says)
        assert once.run.usage.retry_count == 0
        _loses_only_what_was_refused(once, before, line)


@pytest.mark.parametrize("line", [c for c in cases() if c["source"] == FILES], ids=title)
def test_what_becomes_of_a_file(line: Line, ask: Ask, clean: Callable[[str], Outcome]) -> None:
    """Whatever is wrong with a file: the days come by page, with the same candles."""
    before = clean(FILES)
    assert {row[7] for row in before.facts["dump_files"]} == {"read"}
    after = ask(
        FILES,
        {
            "kind": "answer",
            "contains": line["asked"],
            "status": int(line["status"]),
            "body": line["body"],
            "media_type": line["media_type"],
        },
    )
    assert after.hits > 0
    assert (after.problems, after.facts["klines"]) == ([], before.facts["klines"])
    states = {row[7] for row in after.facts.get("dump_files", ())}
    match line["becomes"]:
        case "pages":
            assert (states, after.quarantine) == (set(), [])
        case "unverified":
            assert (states, after.quarantine) == ({"unverified"}, [])
        case "quarantined":
            assert "read" not in states
            assert after.quarantine
            assert all(line["says"] in row["reason"] for row in after.quarantine)


def test_the_table_of_errors_has_every_source() -> None:
    listed = lines()
    assert {line["source"] for line in listed} == {*SOURCES, FILES, "*"}
    endings = {*ENDS, "empty", "less", "pages", "unverified", "quarantined"}
    assert {line["becomes"].removeprefix("again, then ") for line in listed} == endings
    keys = Counter((line["source"], line["asked"], line["status"], line["body"]) for line in listed)
    assert max(keys.values()) == 1, "an error stands twice"
