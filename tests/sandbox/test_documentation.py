"""`docs/sandbox.md` names what there is, and nothing else."""

import re
from pathlib import Path
from typing import get_args

from pipelines.sandbox.dataset import Dataset
from pipelines.sandbox.server.faults import ContentKind, Fault, TransportKind

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def _first_cells(table: str) -> set[str]:
    """Return the names in the first column of the table that begins with the given head."""
    rows = TEXT.split(table)[1].split("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"[\w-]+", row.split("|")[1])}


def test_every_kind_and_field_of_a_fault_is_documented() -> None:
    kinds = {*get_args(TransportKind), *get_args(ContentKind)}
    assert _first_cells("| kind | what the client sees |") == kinds
    assert _first_cells("| field | meaning |") == set(Fault.model_fields) - {"hits"}


def test_every_generated_scenario_is_documented(dataset: Dataset) -> None:
    planted = {scenario.id for scenario in dataset.scenarios}
    # the small market has no leap day
    assert _first_cells("| handle | defect |") == planted | {"F-20"}
