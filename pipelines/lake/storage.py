"""Files of the lake, on a disk or in a bucket: each is written as a whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.files import naming, replace_file
from pipelines.core.settings import Settings, SettingsError


def bucket(settings: Settings) -> tuple[Any, str]:
    """Return the lake's file system and its root there.

    Raises:
        SettingsError: there is no such kind of bucket, or its library is not installed.
    """
    import fsspec

    try:
        # dlt writes to it as well, and what it has written is in no listing of ours
        file_system, root = fsspec.core.url_to_fs(settings.lake_dir, use_listings_cache=False)
    except (ImportError, ValueError) as problem:
        kind = settings.lake_dir.partition(":")[0]
        raise SettingsError(
            f"TOKENMART_LAKE_URL names a bucket of the kind {kind}: {problem}. "
            "docs/deployment.md says which there are and what they need"
        ) from problem
    return file_system, str(root)


def read_frame(file_system: Any, path: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Return the frame in a file of ours, with the schema's columns; an empty one without a file.

    Raises:
        FileDamaged: the file is not what was written.
    """
    if not file_system.exists(path):
        return pl.DataFrame(schema=schema)
    found = read_table(
        file_system,
        path,
        what="what the answers of a source have looked like",
        remedy="Move it away: it is learnt anew from the next answers.",
    )
    return pl.DataFrame(pl.from_arrow(found)).select(list(schema))


def read_table(
    file_system: Any, path: str, *, what: str, remedy: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return the table in a Parquet file.

    Args:
        file_system: the lake's.
        path: the file.
        what: what it is for, said where it is damaged.
        remedy: and what to do then.
        columns: these alone; None: all.

    Raises:
        FileDamaged: the file is not what was written.
    """
    with file_system.open(path, "rb") as file:
        content = file.read()
    with naming(path, what, remedy, OSError, pa.ArrowException):
        return pq.read_table(BytesIO(content), columns=columns)


def replace_frame(file_system: Any, path: str, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet, as `put` does."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    put(file_system, path, buffer.getvalue())


def replace_table(file_system: Any, path: str, table: pa.Table) -> None:
    """Write a table as Parquet, as `put` does."""
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    put(file_system, path, buffer.getvalue())


def put(file_system: Any, path: str, content: bytes) -> None:
    """Write a file as a whole: whoever reads it has the one before or this one."""
    if "file" in file_system.protocol:
        replace_file(Path(path), content)
    else:
        file_system.pipe_file(path, content)


def copy_lake(settings: Settings, folder: Path) -> None:
    """Make the folder a lake with what this one has, for somebody who works on it beside.

    Files are never changed in place, so that on one disk they are linked and not copied.
    """
    file_system, root = bucket(settings)
    if "file" in file_system.protocol:
        shutil.copytree(root, folder, copy_function=link_or_copy)
    else:
        file_system.get(f"{root}/", f"{folder}/", recursive=True)


def link_or_copy(source: str, target: str) -> None:
    """Give a file that nobody changes a second name, or a copy where that is on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def lock(settings: Settings, what: str) -> Iterator[None]:
    """Wait until no other run is at the same thing; of a run that was killed nothing stays.

    Two runs that ask one host at a time would both be too fast for it.
    """
    from filelock import FileLock

    folder = settings.data_dir / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{what}.lock"):
        yield
