"""Care of the lake: many small files become few (the same rows), and every file is what it was.

A daily run leaves a file of each raw table; after a year a rebuild opens thousands. Compaction
writes them anew as one and changes nothing that a reader can see: rows keep their load, and what
was read before stays on disk until the next compaction, so that who has begun to read can end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.files import FileDamaged
from pipelines.core.settings import Settings
from pipelines.lake import storage
from pipelines.lake.catalog import (
    CATALOG,
    COMPACTED,
    LakeDamaged,
    is_compacted,
    read_catalog,
    write_catalog,
)

# files from this size on are left as they are
LARGE_BYTES = 64 * 2**20
# so few small files of a table are not worth a new one
FEW_FILES = 8


class UpkeepError(Exception):
    """The lake is not what its catalog says, or would not be; nothing was changed."""


@dataclass(frozen=True)
class Compaction:
    """What a compaction did.

    Attributes:
        tables: raw tables that were compacted, as source.table.
        files_before: files that the catalog listed before.
        files_after: and afterwards.
        files_deleted: files that the compaction before this one had replaced.
    """

    tables: tuple[str, ...]
    files_before: int
    files_after: int
    files_deleted: int


@dataclass(frozen=True)
class Fault:
    """A file that is not what the catalog says.

    Attributes:
        path: below the lake.
        problem: what is wrong.
    """

    path: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """What reading every file again has shown.

    Attributes:
        files: how many were read.
        rows: how many rows they have.
        faults: what is wrong.
    """

    files: int
    rows: int
    faults: tuple[Fault, ...]


def compact(settings: Settings, *, few_files: int = FEW_FILES) -> Compaction:
    """Write each raw table's small files as one; delete what the last compaction replaced.

    Killed at any point it leaves the lake as it was before or after: a new file appears whole, and
    from then on the catalog lists it instead of those that it was made of.

    Args:
        settings: the lake.
        few_files: fewer small files of a table than this are left alone.

    Raises:
        UpkeepError: a file is not what the catalog says; `verify` tells which.
    """
    file_system, root = storage.bucket(settings)
    before = write_catalog(settings)
    deleted = _delete_replaced(file_system, root, before)
    tables = []
    for (source, table_name), lines in before.group_by("source", "table_name", maintain_order=True):
        files = lines.group_by("path", maintain_order=True).agg(
            pl.col("byte_count").first(), pl.col("sha256").first(), pl.col("row_count").sum()
        )
        small = files.filter(pl.col("byte_count") < LARGE_BYTES)
        if small.height >= few_files:
            for batch in _batches(small):
                _merge(file_system, root, batch)
            tables.append(f"{source}.{table_name}")
    after = write_catalog(settings) if tables else before
    return Compaction(
        tuple(tables), before["path"].n_unique(), after["path"].n_unique(), len(deleted)
    )


def _batches(files: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield files that together make one of about the size that is large."""
    number = (files["byte_count"].cum_sum() - files["byte_count"]) // LARGE_BYTES
    yield from files.with_columns(batch=number).partition_by("batch", maintain_order=True)


def _merge(file_system: Any, root: str, files: pl.DataFrame) -> None:
    parts = []
    for line in files.iter_rows(named=True):
        content = _content(file_system, f"{root}/{line['path']}")
        if content is None or hashlib.sha256(content).hexdigest() != line["sha256"]:
            raise UpkeepError(f"{line['path']} is not the file that was landed: not compacted")
        parts.append(pq.read_table(BytesIO(content)))
    # columns that older files lack are null in their rows; a type never changes
    whole = pa.concat_tables(parts, promote_options="default")
    if whole.num_rows != files["row_count"].sum():
        raise UpkeepError(f"{files['path'].to_list()} have other rows than the catalog says")
    if not whole.num_rows:
        return
    buffer = BytesIO()
    pq.write_table(whole, buffer, compression="zstd")
    content = buffer.getvalue()
    name = f"{COMPACTED}{hashlib.sha256(content).hexdigest()[:32]}.parquet"
    folder = PurePosixPath(files["path"].to_list()[-1]).parent
    storage.put(file_system, f"{root}/{folder}/{name}", content)


def _delete_replaced(file_system: Any, root: str, catalog: pl.DataFrame) -> list[str]:
    """Delete the files of loads that the catalog lists in a compacted one.

    All of a compaction before this one: nobody has been reading since.
    """
    listed = set(catalog["path"])
    loads = {
        (source, table_name, load_id)
        for source, table_name, load_id, path in catalog.select(
            "source", "table_name", "load_id", "path"
        ).iter_rows()
        if is_compacted(path)
    }
    deleted = []
    for path in file_system.find(f"{root}/raw"):
        below = PurePosixPath(path).relative_to(root)
        if below.suffix != ".parquet" or len(below.parts) != 5 or str(below) in listed:
            continue
        _, source, table_name, _, file_name = below.parts
        load_id = ".".join(file_name.split(".")[:2])
        if is_compacted(path) or (source, table_name, load_id) in loads:
            file_system.rm_file(path)
            deleted.append(str(below))
    return deleted


def verify(settings: Settings) -> Verification:
    """Read every file that the catalog lists, and compare bytes and rows with what it says."""
    file_system, root = storage.bucket(settings)
    catalog = read_catalog(settings)
    faults: list[Fault] = []
    rows = 0
    files = catalog.partition_by("path", maintain_order=True)
    for lines in files:
        path = str(lines["path"].item(0))
        found, problem = _look_at(file_system, f"{root}/{path}", lines)
        rows += found
        if problem is not None:
            faults.append(Fault(path, problem))
    return Verification(len(files), rows, tuple(faults))


def mend(settings: Settings) -> tuple[dict[str, Any], ...]:
    """Go on without files that are not what was landed: they are moved out of the readers' way.

    Nothing is deleted: what is left of them is in the lake's folder `damaged`, by its old path.

    Returns:
        The catalog's lines of what is lost: which rows, of which days.
    """
    file_system, root = storage.bucket(settings)
    _set_aside_unlisted(settings, file_system, root)
    faults = {fault.path for fault in verify(settings).faults}
    catalog = read_catalog(settings)
    lost = catalog.filter(pl.col("path").is_in(faults))
    for path in sorted(faults):
        _set_aside(file_system, root, path)
    # from here on nobody misses them
    rest = catalog.filter(~pl.col("path").is_in(faults))
    storage.replace_frame(file_system, f"{root}/{CATALOG}", rest)
    write_catalog(settings)
    return tuple(lost.to_dicts())


def _set_aside_unlisted(settings: Settings, file_system: Any, root: str) -> None:
    """Move away what cannot be read of loads that the catalog does not list yet."""
    while True:
        try:
            write_catalog(settings)
        except FileDamaged as problem:
            _set_aside(file_system, root, str(PurePosixPath(problem.path).relative_to(root)))
        except LakeDamaged:
            return
        else:
            return


def _set_aside(file_system: Any, root: str, path: str) -> None:
    if file_system.exists(f"{root}/{path}"):
        target = f"{root}/damaged/{path}"
        file_system.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
        file_system.mv(f"{root}/{path}", target)


def _look_at(file_system: Any, path: str, lines: pl.DataFrame) -> tuple[int, str | None]:
    content = _content(file_system, path)
    if content is None:
        return 0, "is gone"
    expected, found = lines["sha256"].item(0), hashlib.sha256(content).hexdigest()
    if expected is None:
        return 0, "was listed without a hash: the next run adds it"
    if found != expected:
        return 0, f"has changed: sha256 {found[:12]}…, {expected[:12]}… when it was listed"
    table = pq.read_table(BytesIO(content))
    if table.num_rows != lines["row_count"].sum():
        return table.num_rows, f"has {table.num_rows} rows, {lines['row_count'].sum()} are listed"
    return table.num_rows, None


def _content(file_system: Any, path: str) -> bytes | None:
    try:
        with file_system.open(path, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None
