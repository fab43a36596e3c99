"""A small generated market, and a server that serves it; each test begins with its own clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GeneratorSettings, generate
from pipelines.sandbox.generator.exchanges import EXCHANGES

SMALL = GeneratorSettings(
    name="small",
    start=date(2025, 9, 15),
    end=date(2026, 1, 12),
    assets=16,
    venues=len(EXCHANGES),
    stablecoins=9,
)
DAY_S = 86_400


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(SMALL, tmp_path_factory.mktemp("sandbox") / "small")


@pytest.fixture(scope="session")
def dataset(folder: Path) -> Dataset:
    return load(folder)


@pytest.fixture(scope="session")
def _server(dataset: Dataset) -> Iterator[SandboxServer]:
    with SandboxServer(dataset) as running:
        yield running


@pytest.fixture
def server(_server: SandboxServer, dataset: Dataset) -> SandboxServer:
    _server.clear_faults()
    _server.set_clock(dataset.now)
    return _server


@pytest.fixture(scope="session")
def _client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def ask(server: SandboxServer, _client: httpx.Client) -> Callable[..., httpx.Response]:
    """Ask the server: path and query parameters."""

    def asked(path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        return _client.get(server.url + path, params=params or None, headers=headers)

    return asked


@pytest.fixture(scope="session")
def candles(dataset: Dataset) -> Callable[[str, str], pl.DataFrame]:
    """A market's candles as the dataset has them, first versions, oldest first."""
    table = dataset.table("candles").collect()

    def of(venue: str, symbol: str) -> pl.DataFrame:
        return (
            table.filter(pl.col("venue") == venue, pl.col("symbol") == symbol)
            .sort("open_time", "known_at", nulls_last=False)
            .unique("open_time", keep="first", maintain_order=True)
        )

    return of
