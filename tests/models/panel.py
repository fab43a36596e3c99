"""A panel of 25 assets over 420 days with every source in its lake, to be cut and poisoned.

The lake is landed once from a generated market. A cut lake is the same lake without what its rows
say about later days; a poisoned one has absurd values there. Both keep the same clock, the same
requests and the same lists of markets: only the observations differ, so whatever differs in a mart
about an earlier day has looked ahead.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window, clock_at
from pipelines.lake import landing
from pipelines.lake.catalog import write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import load
from pipelines.sandbox.generate import GeneratorSettings, generate
from pipelines.sandbox.generator.exchanges import EXCHANGES
from tests.models.lake_box import LakeBox, day_start

START = date(2023, 11, 1)
DAY_COUNT = 420
END = START + timedelta(days=DAY_COUNT - 1)
TOLERANCE = 1e-9

# a row that is stamped with midnight and belongs to the day that ends there; every other stamp is
# the start of what the row describes
STAMPED_AT_THE_END = frozenset({"label_time", "funding_time", "block_time"})
STAMPED_AT_THE_END_TABLES = frozenset(
    {("binance_futures", "open_interest_hist"), ("bybit", "open_interest")}
)
STAMPED_AT_THE_END_METRICS = "ReferenceRate"

# what a build is stamped with, and numbers that belong to publications and not to days
NOT_OF_A_DAY = frozenset({"as_of_ts", "model_version", "event_seq"})


@dataclass
class Panel:
    """The landed lake, and what it is made of."""

    dataset: Path
    data_dir: Path
    scenarios: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def land(cls, folder: Path) -> Panel:
        """Generate the market and land every source of it, as on the morning after its end."""
        dataset = folder / "dataset"
        generate(
            GeneratorSettings(
                name="panel",
                start=START,
                end=END,
                assets=25,
                venues=len(EXCHANGES),
                perpetuals=4,
                stablecoins=7,
                protocols=12,
            ),
            dataset,
        )
        market = load(dataset)
        with SandboxServer(dataset) as server:
            server.set_clock(market.now)
            settings = Settings(
                data_dir=folder / "whole",
                sandbox_url=server.url,
                dataset=str(dataset),
                curation_dir=dataset,
                now=market.now,
            )
            for name in sources.SOURCES:
                report = landing.land(
                    name,
                    Window(START, END + timedelta(days=1)),
                    settings,
                    clock_at(market.now),
                    "run",
                )
                assert not report.failures, f"{name}: {report.failures}"
            write_catalog(settings)
        reported = json.loads((dataset / "dataset.json").read_text())
        return cls(dataset, folder / "whole", reported["scenarios"])

    def box(self, data_dir: Path | None = None) -> LakeBox:
        """Return a box on the lake, or on one made of it."""
        return LakeBox(
            data_dir or self.data_dir, environment={"TOKENMART_CURATION_DIR": str(self.dataset)}
        )

    def without_days_after(self, last: date, data_dir: Path) -> LakeBox:
        """Return a box whose lake ends with `last`."""
        return self._changed(data_dir, lambda frame, later: frame.filter(~later), last)

    def poisoned_after(self, last: date, data_dir: Path) -> LakeBox:
        """Return a box in which every number about a later day is a million times as large."""

        def poison(frame: pl.DataFrame, later: pl.Expr) -> pl.DataFrame:
            numbers = [
                name
                for name, kind in frame.schema.items()
                if isinstance(kind, pl.Decimal) or kind == pl.Float64
            ]
            flags = [name for name, kind in frame.schema.items() if kind == pl.Boolean]
            return frame.with_columns(
                *(
                    # what has no place in the type stays absurd enough
                    pl.when(later & (pl.col(name).cast(pl.Float64).abs() < 1e12))
                    .then(pl.col(name) * 1_000_000)
                    .otherwise(pl.col(name))
                    .cast(frame.schema[name])
                    .alias(name)
                    for name in numbers
                ),
                *(
                    pl.when(later).then(~pl.col(name)).otherwise(pl.col(name)).alias(name)
                    for name in flags
                ),
            )

        return self._changed(data_dir, poison, last)

    def _changed(self, data_dir: Path, change: Any, last: date) -> LakeBox:
        catalog = pl.read_parquet(self.data_dir / "lake/catalog.parquet")
        counts = []
        for line in catalog.iter_rows(named=True):
            source = self.data_dir / "lake" / line["path"]
            target = data_dir / "lake" / line["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            later = rows_later(line["source"], line["table_name"], last)
            if later is None:
                target.hardlink_to(source)
                counts.append(line["row_count"])
            else:
                frame = change(pl.read_parquet(source), later)
                frame.write_parquet(target)
                counts.append(frame.height)
        catalog.with_columns(pl.Series("row_count", counts, dtype=pl.Int64)).write_parquet(
            data_dir / "lake/catalog.parquet"
        )
        return self.box(data_dir)


def rows_later(source: str, table_name: str, last: date) -> pl.Expr | None:
    """Return whether a raw row is about a day after `last`; None for tables of no day."""
    table = next((table for table in sources.tables(source) if table.name == table_name), None)
    if table is None or table.time_column is None:
        return None
    time = pl.col(table.time_column)
    end = day_start(last + timedelta(days=1))
    if (source, table_name) == ("gold", "prices"):
        # published on a working day about the one before; a depeg says when it was known
        back = pl.when(time.dt.weekday() == 1).then(3).otherwise(1)
        return time.dt.offset_by(pl.format("-{}d", back)) >= end
    if table.time_column in STAMPED_AT_THE_END or (source, table_name) in STAMPED_AT_THE_END_TABLES:
        return time > end
    if "metric" in table.fields:
        closing = pl.col("metric").str.starts_with(STAMPED_AT_THE_END_METRICS)
        return pl.when(closing).then(time > end).otherwise(time >= end)
    return time >= end


@dataclass(frozen=True)
class Mart:
    """What the comparison needs to know of a mart."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def day(self) -> str | None:
        """The column that says from which day on a row is known."""
        return next((name for name in ("day", "known_from_day") if name in self.columns), None)

    @property
    def compared(self) -> list[str]:
        return [name for name in self.columns if name not in {*NOT_OF_A_DAY, *self.key}]


def marts(manifest: Any) -> list[Mart]:
    """Return every mart of the project, from the manifest: one that is added is compared, too."""
    return sorted(
        (
            Mart(
                node.name,
                tuple(node.config.meta["key"]),
                {name: str(column.data_type) for name, column in node.columns.items()},
            )
            for node in manifest.nodes.values()
            if node.resource_type == "model" and node.fqn[1] == "marts"
        ),
        key=lambda mart: mart.name,
    )


def differences(found: LakeBox, expected: LakeBox, compared: list[Mart], last: date) -> list[str]:
    """Say where two warehouses differ about days up to `last`: mart, column, rows, an example.

    Other keys, other NULLs, or numbers more than 1e-9 apart, relatively above 1.
    """
    said = []
    for mart in compared:
        wanted = ", ".join(f'"{name}"' for name in (*mart.key, *mart.compared))
        query = f"select {wanted} from marts.{mart.name} where {mart.day} <= date '{last}'"
        said += difference(mart, found.frame(query), expected.frame(query))
    return said


def difference(mart: Mart, found: pl.DataFrame, expected: pl.DataFrame) -> list[str]:
    """Say where two states of a mart differ: column, rows, an example."""
    connection = duckdb.connect()
    try:
        connection.register("found_rows", found.to_arrow())
        connection.register("expected_rows", expected.to_arrow())
        return _difference(connection, mart)
    finally:
        connection.close()


def _difference(connection: duckdb.DuckDBPyConnection, mart: Mart) -> list[str]:
    key = ", ".join(mart.key)
    checks = {"(row)": "found._is_there is null or expected._is_there is null"}
    for column in mart.compared:
        one, other = f'found."{column}"', f'expected."{column}"'
        unequal = f"{one} is distinct from {other}"
        if mart.columns[column] == "double":
            near = f"abs({one} - {other}) <= {TOLERANCE} * greatest(1, abs({other}))"
            unequal = f"({unequal} and not coalesce({near}, false))"
        checks[column] = f"found._is_there and expected._is_there and {unequal}"
    joined = f"""
        from (select *, true as _is_there from found_rows) as found
        full outer join (select *, true as _is_there from expected_rows) as expected
            using ({key})
    """
    filters = ", ".join(f"count(*) filter (where {check})" for check in checks.values())
    counts = connection.execute(f"select {filters} {joined}").fetchone()
    assert counts is not None
    said = []
    for (column, check), count in zip(checks.items(), counts, strict=True):
        if count:
            shown = (
                "found._is_there, expected._is_there"
                if column == "(row)"
                else f'found."{column}", expected."{column}"'
            )
            example = connection.execute(
                f"select {key}, {shown} {joined} where {check} order by all limit 1"
            ).fetchone()
            said.append(f"{mart.name}.{column}: {count} rows, such as {example}")
    return said


def forget(box: LakeBox) -> None:
    """Remove a box that has been looked at: a warehouse of the panel has a hundred megabytes."""
    shutil.rmtree(box.data_dir)
