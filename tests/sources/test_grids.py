"""Every table's rows lie on its declared grid: what is shifted is quarantined, never a wrong row.

The rows are made from the declarations of all sources, so that a new table cannot be forgotten.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipelines import sources
from pipelines.core.tables import DAY_S, EVENT, Column, Grid, Table
from pipelines.extraction.parsing import Parsed, parse_rows

MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC)
LATEST = datetime(2026, 1, 1, tzinfo=UTC)
DECLARED = [
    (name, table)
    for name in sources.SOURCES
    for table in sources.tables(name)
    if table.time_column is not None
]
IDS = [f"{name}.{table.name}" for name, table in DECLARED]
HOURS = [timedelta(hours=hours) for hours in range(1, 24)]
MINUTES = [timedelta(minutes=minutes) for minutes in (2, 7, 30, 59, 61, 568)]
ODD = [timedelta(seconds=61), timedelta(hours=9, minutes=28, milliseconds=14_789)]


def lengths_of(grid: Grid) -> list[tuple[Any, int]]:
    """Return each length that a table's series may have: its word, and seconds."""
    if grid.length is None:
        return [(None, grid.every_s)]
    if grid.words_s:
        return list(grid.words_s.items())
    return [(DAY_S // grid.unit_s, DAY_S), (3_600 // grid.unit_s, 3_600)]


def cell_of(column: Column, at: datetime) -> Any:
    """Return a cell that the column's own rules accept."""
    if column.kind == "timestamp":
        return round(at.timestamp() * 1000)
    if column.kind == "text":
        return min(column.one_of) if column.one_of else "x"
    return True if column.kind == "boolean" else 1


def parsed(table: Table, instants: list[datetime], word: Any = None) -> Parsed:
    """Parse rows of the table, one for each instant."""
    grid = table.grid or EVENT
    rows = [
        {column.name: cell_of(column, at) for column in table.columns}
        | ({} if grid.length is None else {grid.length: word})
        for at in instants
    ]
    return parse_rows(
        table,
        rows,
        {name: name for name in table.fields},
        times={column.name: "ms" for column in table.columns if column.kind == "timestamp"},
        latest=LATEST,
    )


@pytest.mark.parametrize(("source", "table"), DECLARED, ids=IDS)
def test_a_table_about_instants_declares_its_grid(source: str, table: Table) -> None:
    assert table.grid is not None, f"{source}.{table.name} does not say where its instants lie"
    assert table.grid == EVENT or lengths_of(table.grid)


@pytest.mark.parametrize(("source", "table"), DECLARED, ids=IDS)
def test_rows_that_are_shifted_are_refused_and_never_a_wrong_row(source: str, table: Table) -> None:
    grid = table.grid or EVENT
    for word, every_s in lengths_of(grid):
        whole = parsed(table, [MIDNIGHT], word)
        assert whole.row_count == 1, f"{source}.{table.name} {word}: {whole.refused}"
        shifts = [*HOURS, *MINUTES, *ODD]
        outcome = parsed(table, [MIDNIGHT + shift for shift in shifts], word)
        landed = outcome.rows[str(table.time_column)].to_pylist()
        if grid == EVENT:
            assert outcome.row_count == len(shifts), "an event happens at any instant"
            continue
        if grid.sample is None:
            near = timedelta(seconds=grid.jitter_s)
            on_grid = [
                shift
                for shift in shifts
                if min(shift % timedelta(seconds=every_s), -shift % timedelta(seconds=every_s))
                <= near
            ]
            assert outcome.row_count == len(on_grid), f"{source}.{table.name} {word}"
            assert outcome.row_count + len(outcome.refused) == len(shifts), "each is reported"
            if every_s == DAY_S:
                assert outcome.row_count == 0, f"{source}.{table.name}: a day begins at midnight"
        for at in landed:
            assert at.timestamp() % every_s == 0, f"{source}.{table.name} landed {at}"


@pytest.mark.parametrize(("source", "table"), DECLARED, ids=IDS)
def test_a_length_that_nobody_declared_is_refused(source: str, table: Table) -> None:
    grid = table.grid or EVENT
    if grid.length is not None:
        outcome = parsed(table, [MIDNIGHT], "7q" if grid.words_s else 0)
        assert outcome.row_count == 0
        assert outcome.refused[0][0].startswith(f"{grid.length}: no"), source


@pytest.mark.parametrize(("source", "table"), DECLARED, ids=IDS)
def test_jitter_is_landed_on_the_grid(source: str, table: Table) -> None:
    grid = table.grid or EVENT
    shifts = [timedelta(milliseconds=ms) for ms in (-7, 0, 3, 999)]
    outcome = parsed(table, [MIDNIGHT + shift for shift in shifts], lengths_of(grid)[0][0])
    if grid.jitter_s:
        assert outcome.rows[str(table.time_column)].to_pylist() == [MIDNIGHT] * 4, source
    elif grid not in (EVENT,) and grid.sample is None:
        assert outcome.row_count == 1, f"{source}.{table.name} is not said to jitter"


def test_of_several_samples_of_a_day_the_declared_one_counts() -> None:
    for source, table in DECLARED:
        sample = table.grid.sample if table.grid else None
        if sample is None:
            continue
        hours = [timedelta(hours=hours) for hours in (2, 3, 1)]
        (row,) = parsed(table, [MIDNIGHT + hour for hour in hours]).rows.to_pylist()
        best = 3 if sample.keeps == "last" else 1
        assert row[sample.column] == MIDNIGHT + timedelta(hours=best), source
        assert row[str(table.time_column)] == MIDNIGHT, source
