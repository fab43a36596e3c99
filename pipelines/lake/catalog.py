"""The list of the files of complete loads, which is all that readers of the lake may look at.

A load that was killed leaves files, but no line in the catalog.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import sources
from pipelines.core.files import FileDamaged, naming
from pipelines.core.settings import Settings
from pipelines.core.tables import FETCHED_AT, Table
from pipelines.core.windows import FixedClock, last_complete_day
from pipelines.lake import storage

CATALOG = "catalog.parquet"
COMPACTED = "compacted."
_LOG = logging.getLogger(__name__)
_NAMED = 5
_REMEDY = "Restore it from a backup; or let `tokenmart lake mend` go on without it."
LOAD_ID = "_dlt_load_id"
_CATALOG_SCHEMA: dict[str, Any] = {
    "source": pl.String,
    "table_name": pl.String,
    "load_id": pl.String,
    "path": pl.String,
    "completed_at": pl.Datetime("us", "UTC"),
    "fetched_at": pl.Datetime("us", "UTC"),
    "row_count": pl.Int64,
    "byte_count": pl.Int64,
    "newest_at": pl.Datetime("us", "UTC"),
    "oldest_at": pl.Datetime("us", "UTC"),
    "sha256": pl.String,
}


def write_catalog(settings: Settings) -> pl.DataFrame:
    """List the files of complete loads in `catalog.parquet` and return the list.

    Grain: one row per file. Columns: source, table_name, load_id, path (below the lake),
    completed_at (when dlt finished the load), fetched_at (the run's clock), row_count, byte_count,
    newest_at and oldest_at (the newest and oldest instant that a row is about; NULL in a list),
    sha256 (of the file). A compacted file has a row for each load in it.

    Raises:
        LakeDamaged: a file that was listed is gone, or has another size.
        FileDamaged: a file of a complete load cannot be read.
    """
    with storage.lock(settings, CATALOG):
        return _write_catalog(settings)


def _write_catalog(settings: Settings) -> pl.DataFrame:
    file_system, root = storage.bucket(settings)
    known: dict[str, list[dict[str, Any]]] = {}
    for line in _read_catalog(file_system, root) or ():
        known.setdefault(line["path"], []).append(line)
    completed = _complete_loads(
        file_system, root, (line for lines in known.values() for line in lines)
    )
    lines: list[dict[str, Any]] = []
    merged: set[tuple[str, str, str]] = set()
    found = sorted(file_system.find(f"{root}/raw", detail=True).items())
    # what was compacted is read there, and no more in the files that it was made of
    for path, detail in sorted(found, key=lambda item: not is_compacted(item[0])):
        below = PurePosixPath(path).relative_to(root)
        # raw/<source>/<table>/load_date=…/<load_id>.<file_id>.parquet
        if below.suffix != ".parquet" or len(below.parts) != 5:
            continue
        _, source, table_name, _, file_name = below.parts
        load_id = ".".join(file_name.split(".")[:2])
        if not is_compacted(path) and (
            (source, load_id) not in completed or (source, table_name, load_id) in merged
        ):
            continue
        reported = known.get(str(below), [])
        if any(_is_outdated(line) for line in reported) or not reported:
            about = _time_column(source, table_name)
            reported = _inspect(file_system, path, None if is_compacted(path) else load_id, about)
        for line in reported:
            of_load = source, line["load_id"]
            if is_compacted(path):
                merged.add((source, table_name, line["load_id"]))
            lines.append(
                {
                    **line,
                    "source": source,
                    "table_name": table_name,
                    "path": str(below),
                    "completed_at": completed.get(of_load) or line["fetched_at"],
                    "byte_count": int(detail["size"]),
                }
            )
    _refuse_losses(root, known, lines)
    lines.sort(key=lambda line: (line["path"], line["load_id"]))
    catalog = pl.DataFrame(lines, schema=_CATALOG_SCHEMA)
    storage.replace_frame(file_system, f"{root}/{CATALOG}", catalog)
    return catalog


def _refuse_losses(
    root: str, known: Mapping[str, list[dict[str, Any]]], lines: Iterable[dict[str, Any]]
) -> None:
    """Refuse to go on without rows that were listed: marts would be built without them in silence.

    Loads that are listed in a compacted file now are not lost.
    """
    sizes = {line["path"]: line["byte_count"] for line in lines}
    loads = {(line["source"], line["table_name"], line["load_id"]) for line in lines}
    losses = [
        line
        for path, of_file in known.items()
        for line in of_file
        if sizes.get(path, line["byte_count"]) != line["byte_count"]
        or (line["source"], line["table_name"], line["load_id"]) not in loads
    ]
    if losses:
        raise LakeDamaged(root, losses)


def describe_loss(line: Mapping[str, Any]) -> str:
    """Return what is lost with a file of the lake, for people."""
    days = ""
    if line["oldest_at"] is not None:
        days = f" of {line['oldest_at']:%Y-%m-%d} to {line['newest_at']:%Y-%m-%d}"
    table = f"{line['source']}.{line['table_name']}"
    return f"{line['path']}: {line['row_count']:,} rows of {table}{days}"


def _is_outdated(line: dict[str, Any]) -> bool:
    """Tell whether an earlier version wrote the line, which did not know what is reported now."""
    return line["sha256"] is None or (line["newest_at"] is not None and line["oldest_at"] is None)


def is_compacted(path: str) -> bool:
    """Tell whether a file was made of others (see `upkeep`)."""
    return PurePosixPath(path).name.startswith(COMPACTED)


def read_catalog(settings: Settings) -> pl.DataFrame:
    """Return the list that `write_catalog` last wrote; made anew where it is lost or damaged."""
    listed = listed_files(settings)
    if listed is not None:
        return listed
    file_system, root = storage.bucket(settings)
    if file_system.exists(f"{root}/raw"):
        return write_catalog(settings)
    return pl.DataFrame(schema=_CATALOG_SCHEMA)


def listed_files(settings: Settings) -> pl.DataFrame | None:
    """Return the list as it stands, for who only reads; None: there is none that can be read."""
    lines = _read_catalog(*storage.bucket(settings))
    return None if lines is None else pl.DataFrame(lines, schema=_CATALOG_SCHEMA)


def oldest_fetch(settings: Settings) -> datetime | None:
    """Return the run's clock of the oldest landed rows; None for an empty lake."""
    oldest: Any = read_catalog(settings)["fetched_at"].min()
    return cast("datetime | None", oldest)


def newest_fetch(settings: Settings) -> datetime | None:
    """Return the run's clock of the newest landed rows; None for an empty lake."""
    newest: Any = read_catalog(settings)["fetched_at"].max()
    return cast("datetime | None", newest)


def newest_day(settings: Settings) -> date | None:
    """Return the newest complete day that landed rows are about; None where there is none.

    By the lake alone: a copy that came without its catalog gets one.
    """
    reported = read_catalog(settings).filter(pl.col("newest_at").is_not_null())
    if reported.is_empty():
        return None
    newest = cast("datetime", reported["newest_at"].max())
    # labels and settlements at a day's end bear the next day's date, which was not over yet
    over = max(
        last_complete_day(FixedClock(instant)) for instant in reported["fetched_at"].unique()
    )
    return min(newest.date(), over)


def oldest_day(settings: Settings, source_name: str) -> date | None:
    """Return the oldest day that landed rows of a source are about; None where there is none."""
    of_source = read_catalog(settings).filter(pl.col("source") == source_name)
    oldest = cast("datetime | None", of_source["oldest_at"].min())
    return oldest.date() if oldest is not None else None


def list_counts(settings: Settings, source_name: str, now: datetime) -> dict[str, int]:
    """Return how many rows each whole list of the source had in its newest load by then."""
    lists = [table.name for table in sources.tables(source_name) if table.is_snapshot]
    loads = (
        read_catalog(settings)
        .filter(
            pl.col("source") == source_name,
            pl.col("table_name").is_in(lists),
            pl.col("fetched_at") <= now,
        )
        .group_by("table_name", "fetched_at", "load_id")
        .agg(pl.col("row_count").sum())
        .sort("fetched_at", "load_id")
        .unique("table_name", keep="last", maintain_order=True)
    )
    return dict(zip(loads["table_name"], loads["row_count"], strict=True))


def read_rows(settings: Settings, source: str, table: Table) -> pl.DataFrame:
    """Return the rows of a raw table that complete loads have landed.

    Grain: one row per observation, so a fact that was asked for twice is in it twice. Meant for
    small tables: lists of files, not candles.
    """
    file_system, root = storage.bucket(settings)
    parts = [pl.DataFrame(pl.from_arrow(table.arrow_schema().empty_table()))]
    of_table = (pl.col("source") == source) & (pl.col("table_name") == table.name)
    paths = read_catalog(settings).filter(of_table)["path"].unique().sort()
    for path in paths:
        with file_system.open(f"{root}/{path}", "rb") as file:
            rows = pl.read_parquet(file.read())
        # a file of before a column was declared has nulls there
        parts.append(rows.select(name for name in parts[0].columns if name in rows.columns))
    return pl.concat(parts, how="diagonal")


class LakeDamaged(Exception):
    """Files that the catalog lists are gone or have another size; the message names them."""

    def __init__(self, root: str, losses: Sequence[Mapping[str, Any]]) -> None:
        self.losses = tuple(losses)
        named = "\n".join(f"  {describe_loss(line)}" for line in losses[:_NAMED])
        more = f"\n  and {len(losses) - _NAMED} more" if len(losses) > _NAMED else ""
        super().__init__(
            f"the lake in {root} lacks what was landed:\n{named}{more}\n"
            "Restore the files from a backup and run again; or let `tokenmart lake mend` go on "
            "without them: it says what can be asked for again. Nothing was changed."
        )


def _read_catalog(file_system: Any, root: str) -> list[dict[str, Any]] | None:
    """Return the lines of the list; None where there is none that can be read."""
    path = f"{root}/{CATALOG}"
    if not file_system.exists(path):
        return None
    try:
        found = storage.read_table(
            file_system, path, what="the list of the lake's files", remedy="It is made anew."
        )
    except FileDamaged as problem:
        _LOG.warning("%s", problem)
        return None
    lines = cast("pl.DataFrame", pl.from_arrow(found))
    # what an earlier version did not write is null: a file without its hash is read again
    return pl.concat([pl.DataFrame(schema=_CATALOG_SCHEMA), lines], how="diagonal").to_dicts()


def _complete_loads(
    file_system: Any, root: str, known: Iterable[dict[str, Any]]
) -> dict[tuple[str, str], datetime]:
    completed = {(line["source"], line["load_id"]): line["completed_at"] for line in known}
    for path in file_system.glob(f"{root}/raw/*/_dlt_loads/*.jsonl"):
        # raw/<source>/_dlt_loads/<schema>__<load_id>.jsonl
        source = PurePosixPath(path).parts[-3]
        if (source, PurePosixPath(path).stem.rpartition("__")[2]) in completed:
            continue
        with file_system.open(path, "rb") as file:
            lines = file.read().splitlines()
        for line in lines:
            try:
                load = json.loads(line)
            except ValueError:
                continue  # dlt is writing it at this moment, or was killed: not complete
            if load["status"] == 0:
                instant = datetime.fromisoformat(load["inserted_at"]).astimezone(UTC)
                completed[source, load["load_id"]] = instant
    return completed


def _time_column(source: str, table_name: str) -> str | None:
    """Return the column that says when the rows of a raw table are about, if one does."""
    tables = sources.tables(source) if source in sources.SOURCES else ()
    return next((table.time_column for table in tables if table.name == table_name), None)


def _inspect(
    file_system: Any, path: str, load_id: str | None, time_column: str | None
) -> list[dict[str, Any]]:
    """Return a file's lines: one, of the load that it is named after, or one for each in it."""
    with file_system.open(path, "rb") as file:
        content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    with naming(path, "what a complete load brought", _REMEDY, OSError, pa.ArrowException):
        parquet = pq.ParquetFile(BytesIO(content))
    reported = {"load_id": LOAD_ID, "fetched_at": FETCHED_AT.name, "newest_at": time_column or ""}
    there = [column for column in reported.values() if column in parquet.schema_arrow.names]
    rows = pl.DataFrame(pl.from_arrow(parquet.read(columns=there))).select(
        (pl.col(column) if column in there else pl.lit(None)).alias(name)
        for name, column in reported.items()
    )
    about = pl.col("newest_at")
    newest = [pl.col("fetched_at").max(), about.max(), about.min().alias("oldest_at")]
    if load_id is None:
        loads = rows.group_by("load_id").agg(*newest, row_count=pl.len()).sort("load_id").to_dicts()
    else:
        of_load = rows.select(*newest).row(0, named=True)
        loads = [{**of_load, "load_id": load_id, "row_count": parquet.metadata.num_rows}]
    return [{**line, "sha256": sha256} for line in loads]
