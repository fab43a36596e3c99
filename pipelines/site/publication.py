"""The publication that pages are made of: its marts, and what each of their columns means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import duckdb

from pipelines.core import warehouse
from pipelines.publishing.build import CATALOGUE
from pipelines.publishing.manifest import DATABASE_NAME, Manifest


@dataclass(frozen=True)
class Publication:
    """One open publication.

    Attributes:
        folder: where it lies.
        manifest: what it says about itself.
        connection: its database, to read.
    """

    folder: Path
    manifest: Manifest
    connection: duckdb.DuckDBPyConnection

    @cached_property
    def marts(self) -> frozenset[str]:
        """Its marts and views, by name."""
        return frozenset(mart.name for mart in self.manifest.marts)

    @cached_property
    def newest_day(self) -> date | None:
        """The newest day that any mart has."""
        return self.manifest.newest_day

    @cached_property
    def units(self) -> dict[str, str]:
        """The unit of each column, where it is the same in all marts that have the column."""
        if CATALOGUE not in self.marts:
            return {}
        return dict(
            self.connection.execute(
                f"select column_name, min(unit) from marts.{CATALOGUE} "  # noqa: S608  # our own name
                "where unit <> 'none' group by column_name having min(unit) = max(unit)"
            ).fetchall()
        )

    @cached_property
    def marts_of_columns(self) -> dict[str, tuple[str, ...]]:
        """The marts that have a column of a name."""
        found: dict[str, list[str]] = {}
        for mart in self.manifest.marts:
            if mart.kind == "table":
                for column in mart.columns:
                    found.setdefault(column, []).append(mart.name)
        return {column: tuple(marts) for column, marts in found.items()}


@contextmanager
def opened(folder: Path) -> Iterator[Publication]:
    """Open a publication's folder, to read.

    Raises:
        FileNotFoundError: there is none.
        FileDamaged: it is not whole.
    """
    manifest = Manifest.load(folder)
    with warehouse.read(folder / DATABASE_NAME) as connection:
        yield Publication(folder, manifest, connection)
