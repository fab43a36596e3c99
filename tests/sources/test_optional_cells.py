"""An optional cell that nobody can read is NULL and reported, and its row lives: in every table.

The rows are made from the declarations of all sources, so that a new table cannot be forgotten.
"""

from __future__ import annotations

from typing import Any

import pytest

from pipelines import sources
from pipelines.core.tables import Column, Table
from pipelines.extraction.parsing import Parsed, parse_rows
from tests.sources.test_grids import LATEST, MIDNIGHT, cell_of, lengths_of

# nobody can read them as a number, a truth value or an instant
UNREADABLE: list[Any] = ["NaN", "-", "n/a", "1e400", "Infinity", [], [1], {}, {"a": 1}, "\ud800"]


def may_be_unread(table: Table, column: Column) -> bool:
    """Tell whether a row means the same without the cell."""
    grid = table.grid
    names = {*table.key, table.time_column, grid.length if grid else None}
    if grid is not None and grid.sample is not None:
        names.add(grid.sample.column)
    return not column.required and column.name not in names


CELLS = [
    (name, table, column)
    for name in sources.SOURCES
    for table in sources.tables(name)
    for column in table.columns
    if may_be_unread(table, column)
]
IDS = [f"{name}.{table.name}.{column.name}" for name, table, column in CELLS]


def parsed_with(table: Table, column: Column, cells: list[Any]) -> Parsed:
    """Parse good rows of different keys, each with one of the cells."""
    grid = table.grid
    row = {one.name: cell_of(one, MIDNIGHT) for one in table.columns}
    if grid is not None and grid.length is not None:
        row[grid.length] = lengths_of(grid)[0][0]
    return parse_rows(
        table,
        [row | {column.name: cell} for cell in cells],
        {name: name for name in table.fields},
        times={one.name: "ms" for one in table.columns if one.kind == "timestamp"},
        latest=LATEST,
    )


def test_there_are_optional_cells() -> None:
    assert len(CELLS) > 100


@pytest.mark.parametrize(("source", "table", "column"), CELLS, ids=IDS)
def test_a_row_lives_without_an_optional_cell_that_nobody_can_read(
    source: str, table: Table, column: Column
) -> None:
    for cell in UNREADABLE:
        if column.kind == "text" and isinstance(cell, str) and cell != "\ud800":
            continue
        outcome = parsed_with(table, column, [cell])
        assert outcome.refused == (), f"{source}.{table.name}: {cell!r} took the row away"
        assert outcome.rows[column.name].to_pylist() == [None], f"{cell!r} was read"
        assert len(outcome.unread) == 1, f"{cell!r} is not reported"
        assert outcome.unread[0][0].startswith(f"{column.name}: "), outcome.unread


@pytest.mark.parametrize(("source", "table", "column"), CELLS, ids=IDS)
def test_a_cell_that_is_absent_is_nothing_to_tell(
    source: str, table: Table, column: Column
) -> None:
    outcome = parsed_with(table, column, [None])
    assert (outcome.row_count, outcome.refused, outcome.unread) == (1, (), ()), source
