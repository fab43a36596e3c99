"""What tests of the lake share: a source of a day a row, landed and read."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.core.settings import (
    Settings,
)
from pipelines.core.windows import FixedClock, Window
from pipelines.extraction.source import Source
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog
from tests.unit.fake_source import NAME, daily_source, use

DAY = Window.of_day(date(2025, 11, 10))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(source: Source) -> None:
        for name, value in use(source).items():
            monkeypatch.setattr(name, value)

    put(daily_source())
    return put


def land(settings: Settings, clock: FixedClock, window: Window = DAY, run_id: str = "run-1"):  # type: ignore[no-untyped-def]
    return landing.land(NAME, window, settings, clock, run_id)


def read(settings: Settings, table: str) -> pl.DataFrame:
    """Return what the catalog shows of a table."""
    files = write_catalog(settings).filter(pl.col("table_name") == table)["path"]
    return pl.concat([pl.read_parquet(Path(settings.lake_dir) / path) for path in files])
