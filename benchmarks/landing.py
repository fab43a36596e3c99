"""What rows cost on their way to the lake, against plain Polars and DuckDB on the same rows.

In seconds of processors, of both: what the clock says depends on who else works.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.measure import environment_of, run_stage
from pipelines.core import warehouse
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load


@dataclass(frozen=True)
class Landing:
    rows: int
    real_seconds: float
    plain_seconds: float

    @property
    def ratio(self) -> float:
        """How many times as much the real path takes."""
        return self.real_seconds / self.plain_seconds


def measure(dataset: Path) -> Landing:
    """Land a dataset's history through HTTP, parsing, contract and dlt; then write and load the
    same rows with Polars (Parquet) and plain DuckDB.
    """
    folder = load(dataset)
    with TemporaryDirectory() as data_dir, SandboxServer(dataset) as server:
        environment = environment_of(folder, data_dir, server.url)
        real = run_stage(
            "extract", folder.start.isoformat(), folder.end.isoformat(), environment=environment
        )
        landed = [
            pl.read_parquet(sorted(table.rglob("*.parquet")))
            for table in sorted(Path(data_dir).glob("lake/raw/*/*"))
            if not table.name.startswith("_dlt") and any(table.rglob("*.parquet"))
        ]
    rows = sum(frame.height for frame in landed)
    with TemporaryDirectory() as plain_dir:
        started = time.process_time()
        with warehouse.write(Path(plain_dir) / "plain.duckdb") as connection:
            for number, frame in enumerate(landed):
                path = Path(plain_dir) / f"{number}.parquet"
                frame.write_parquet(path)
                connection.execute(f"create table t{number} as from read_parquet('{path}')")
        plain_seconds = time.process_time() - started
    return Landing(rows, real.cpu_seconds, plain_seconds)
