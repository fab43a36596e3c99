"""The sources by name; each is a package here.

`__init__.py` is what it declares about itself and the requests, `tables.py` what it lands,
`parse.py` payload to rows (pure), `settings.py` what several of its modules must know of its host.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from pipelines.core.source_names import SOURCES

if TYPE_CHECKING:
    from pipelines.core.tables import Table
    from pipelines.extraction.source import Source

__all__ = ["SOURCES", "source", "tables"]


def source(name: str) -> Source:
    """Return the source's declaration: hosts, budget, look-back and its `extract` function."""
    return cast("Source", import_module(f"pipelines.sources.{name}").SOURCE)


def tables(name: str) -> tuple[Table, ...]:
    """Return the raw tables that the source lands, without importing dlt."""
    module = import_module(f"pipelines.sources.{name}.tables")
    return cast("tuple[Table, ...]", module.TABLES)
