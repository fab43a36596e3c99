"""Forward returns stand in one mart, and nothing that decides can read them (issue of quality)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.models import lake_box as boxes

REPO = boxes.REPO

# what looks forward, and the views that show what became of a decision
HINDSIGHT = frozenset({"int_signal_quality", "signal_quality", "moonshots"})
FORWARD = "pipelines.analytics.quality"
# what decides, or tells somebody to
DECIDES = (
    "trader_grade_daily",
    "investor_grade_daily",
    "grade_components",
    "grade_evidence_daily",
    "signal_daily",
    "signal_event",
    "signal_performance_daily",
    "alert",
    "risk_plan_daily",
    "screener_latest",
)


def parents(manifest: Any) -> dict[str, set[str]]:
    """Return what each model reads, by name."""
    names = {
        unique_id: node.name
        for unique_id, node in manifest.nodes.items()
        if node.resource_type == "model"
    }
    return {
        name: {
            names[parent]
            for parent in manifest.nodes[unique_id].depends_on.nodes
            if parent in names
        }
        for unique_id, name in names.items()
    }


def readers(lineage: Mapping[str, set[str]], of: frozenset[str]) -> set[str]:
    """Return every model that reads one of `of`, directly or through others."""
    found: set[str] = set()
    border = set(of)
    while border:
        border = {name for name, read in lineage.items() if read & border} - found
        found |= border
    return found


@pytest.fixture(scope="module")
def lineage(dbt_target: Path) -> dict[str, set[str]]:
    return parents(boxes.manifest())


def test_nothing_reads_hindsight_but_hindsight(lineage: dict[str, set[str]]) -> None:
    assert set(lineage) >= HINDSIGHT, "the models of hindsight have other names now"
    astray = readers(lineage, HINDSIGHT) - HINDSIGHT
    assert astray == set(), f"{sorted(astray)} can see returns of days to come"


@pytest.mark.parametrize("mart", DECIDES)
def test_a_leak_into_what_decides_would_be_seen(lineage: dict[str, set[str]], mart: str) -> None:
    """The test above can fail, for each mart that decides."""
    leaking = {name: set(read) for name, read in lineage.items()}
    ancestor = sorted(leaking[mart])[0]
    leaking[ancestor].add("int_signal_quality")
    assert mart in readers(leaking, HINDSIGHT)


def test_only_one_model_looks_forward() -> None:
    """The code that shifts backwards in time is called by the model of quality and the bench."""
    callers = sorted(
        str(path.relative_to(REPO))
        for folder in ("dbt/models", "pipelines", "assets")
        for path in (REPO / folder).rglob("*.py")
        if re.search(rf"(from|import) {re.escape(FORWARD)}\b", path.read_text())
        or re.search(r"from pipelines\.analytics import .*\bquality\b", path.read_text())
    )
    assert callers == [
        "dbt/models/intermediate/grade/int_signal_quality.py",
        "pipelines/research/bench.py",
        "pipelines/research/conditions.py",
        "pipelines/research/decisions.py",
        "pipelines/research/panel.py",
    ]


def test_no_other_mart_promises_a_forward_return(dbt_target: Path) -> None:
    forward = re.compile(r"(^|_)(fwd|forward|future|next)_(ret|return)")
    named = sorted(
        f"{node.name}.{column}"
        for node in boxes.manifest().nodes.values()
        if node.resource_type == "model"
        and node.fqn[1] == "marts"
        and node.name != "signal_quality"
        for column in node.columns
        if forward.search(column)
    )
    assert named == []
