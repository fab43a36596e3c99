"""The sources by name; each is a package here.

`settings.py` is what it declares about itself, `tables.py` what it lands, `parse.py` payload to
rows (pure), `__init__.py` the requests, `__main__.py` a smoke run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pipelines.extraction import Source
    from pipelines.tables import Table

SOURCES: tuple[str, ...] = (
    "binance",
    "coinbase",
    "kraken",
    "okx",
    "bybit",
    "bitstamp",
    "binance_futures",
    "coinmetrics",
    "defillama_stablecoins",
    "blockchain_info",
    "coingecko",
    "coinmetrics_archive",
    "defillama",
    "defillama_coins",
    "defillama_yields",
    "ecb",
    "ethereum",
    "gold",
)


def source(name: str) -> Source:
    """Return the source's declaration: hosts, budget, look-back and its `extract` function."""
    return cast("Source", import_module(f"pipelines.sources.{name}").SOURCE)


def tables(name: str) -> tuple[Table, ...]:
    """Return the raw tables that the source lands, without importing dlt."""
    module = import_module(f"pipelines.sources.{name}.tables")
    return cast("tuple[Table, ...]", module.TABLES)
