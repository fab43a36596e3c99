"""A label that begins no day gives no row of a wrong day, in any table, and is told.

The rows are made from the declarations of all sources, so that a new table cannot be forgotten.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines import sources
from pipelines.tables import DAY_S, EVENT, Table
from tests.models.lake_box import DBT_DIR, LakeBox

MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC)
DAY = MIDNIGHT.date()
SHIFTS = [timedelta(hours=1), timedelta(hours=-1), timedelta(hours=12, milliseconds=789)]
CHOSEN = {"category": "spot", "metric": "x"}


def _is_daily(table: Table) -> bool:
    if table.grid in (None, EVENT) or table.name.endswith("_intraday"):
        return False
    return table.grid.length is not None or table.grid.every_s == DAY_S


DAILY = [
    (name, table) for name in sources.SOURCES for table in sources.tables(name) if _is_daily(table)
]
IDS = [f"{name}.{table.name}" for name, table in DAILY]


def staging_of() -> dict[tuple[str, str], str]:
    """Return the staging model of each raw table that is dated."""
    found = {}
    for path in (DBT_DIR / "models/staging").rglob("*.sql"):
        text = path.read_text()
        for source, table in re.findall(r"dated\([^)]*?, '(\w+)', '(\w+)', series", text):
            found[source, table] = path.stem
        for source in re.findall(r"coinmetrics_metric\(ref\('\w+'\), '(\w+)'\)", text):
            found[source, "asset_metrics"] = path.stem
    return found


def row_of(table: Table, at: datetime) -> dict[str, Any]:
    """Return a row at an instant that the table's other rules accept."""
    assert table.grid is not None
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.kind == "timestamp":
            row[column.name] = at
        elif column.kind == "text":
            row[column.name] = CHOSEN.get(column.name, "x")
        else:
            row[column.name] = True if column.kind == "boolean" else 1
    if table.grid.length is not None:
        words = {seconds: word for word, seconds in table.grid.words_s.items()}
        row[table.grid.length] = words.get(DAY_S, DAY_S // table.grid.unit_s)
    return row


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    for name in sources.SOURCES:
        rows = {
            table.name: [row_of(table, MIDNIGHT + shift) for shift in (timedelta(0), *SHIFTS)]
            for source, table in DAILY
            if source == name
        }
        if rows:
            shared_box.load(name, rows, fetched_at=MIDNIGHT + timedelta(days=9))
    models = " ".join(f"+{model}" for model in staging_of().values())
    shared_box.run(f"{models} +int_label_off_grid")
    return shared_box


@pytest.mark.parametrize(("source", "table"), DAILY, ids=IDS)
def test_a_shifted_label_is_of_no_day_and_is_told(box: LakeBox, source: str, table: Table) -> None:
    model = staging_of().get((source, table.name))
    assert model, f"no staging model reads {source}.{table.name} by its dated convention"
    days = [row[0] for row in box.query(f"select day from staging.{model}")]
    assert len(days) == 1, f"{model}: the whole label alone has a day, and it has {days}"
    assert days[0] in (DAY, DAY - timedelta(days=1)), f"{model}: {days}"
    assert box.query(
        "select count(*) from intermediate.int_label_off_grid "
        f"where source = '{source}' and table_name = '{table.name}'"
    ) == [(len(SHIFTS),)], f"{source}.{table.name}: labels off the grid are told"
