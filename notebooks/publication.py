"""What the notebooks share: the current publication, opened to be read, and how they tell."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, NoReturn

import duckdb
import marimo as mo
import polars as pl

from pipelines.core.settings import get_settings
from pipelines.publishing.manifest import DATABASE_NAME


@dataclass(frozen=True)
class Publication:
    """A published file, opened read-only; whoever opens it keeps its version to the end."""

    path: Path
    connection: duckdb.DuckDBPyConnection

    def ask(self, query: str, *values: object) -> pl.DataFrame:
        """Return what a query answers, with `values` in the place of its question marks."""
        return self.connection.execute(query, list(values)).pl()

    def lacking(self, marts: Sequence[str]) -> list[str]:
        """Return those of the marts that are not in the publication, or have no row."""
        there = {
            name
            for (name,) in self.connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
        }
        return [
            mart
            for mart in marts
            if mart not in there
            or self.connection.execute(f"select 1 from marts.{mart} limit 1").fetchone() is None
        ]


def current(*marts: str) -> Publication:
    """Open the current publication, of `TOKENMART_DATA_DIR` or of `data`.

    A notebook ends here, with a sentence and no traceback, where nothing is published or one of
    the marts that it cannot do without has no row.

    Args:
        marts: those that the notebook cannot do without.
    """
    path = get_settings().published_dir / DATABASE_NAME
    if not path.exists():
        stop(f"**Nothing is published**: there is no `{path}`. `make daily` publishes.")
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set timezone = 'UTC'")
    opened = Publication(path, connection)
    lacking = opened.lacking(marts)
    if lacking:
        named = "`, `".join(lacking)
        stop(f"**Nothing to show**: this publication has no rows in `{named}`.")
    return opened


def say(text: str) -> mo.Html:
    """Return a text to be shown, and print it where nobody looks at a page."""
    text = dedent(text).strip()
    if not mo.running_in_notebook():
        sys.stdout.write(f"{text}\n\n")
    return mo.md(text)


def table(
    frame: pl.DataFrame, *, rows: int = 20, wrapped: Sequence[str] = (), **formats: str
) -> mo.ui.table:
    """Return the rows to be looked at.

    Args:
        frame: the rows.
        rows: on a page.
        wrapped: columns of long text.
        formats: of columns, as `str.format` has them.
    """
    return mo.ui.table(
        frame,
        selection=None,
        page_size=rows,
        show_column_summaries=False,
        show_data_types=False,
        wrapped_columns=list(wrapped) or None,
        format_mapping=dict(formats) or None,
    )


def stop(text: str) -> NoReturn:
    """End the cell, and with it those that need it, with a text in its place."""
    mo.stop(True, say(text))
    raise AssertionError("marimo has stopped the cell")


def choices(frame: pl.DataFrame, label: str, value: str) -> dict[str, Any]:
    """Return what a dropdown offers: of each row its label, and the value that it stands for.

    Two rows may say the same; the second then says its value as well.
    """
    offered: dict[str, Any] = {}
    for said, meant in frame.select(label, value).iter_rows():
        offered[f"{said} ({meant})" if said in offered else str(said)] = meant
    return offered
