"""Files of the lake, on a disk or in a bucket: each is written as a whole, or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.core.settings import Settings


def bucket(settings: Settings) -> tuple[Any, str]:
    """Return the lake's file system and its root there."""
    import fsspec

    file_system, root = fsspec.core.url_to_fs(settings.lake_dir)
    return file_system, str(root)


def read_frame(file_system: Any, path: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Return the frame in a file, with the schema's columns; an empty one where there is none."""
    if not file_system.exists(path):
        return pl.DataFrame(schema=schema)
    with file_system.open(path, "rb") as file:
        return pl.read_parquet(file.read()).select(list(schema))


def replace_frame(file_system: Any, path: str, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet, as `put` does."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    put(file_system, path, buffer.getvalue())


def put(file_system: Any, path: str, content: bytes) -> None:
    """Write a file as a whole: whoever reads it has the one before or this one."""
    if "file" in file_system.protocol:
        replace_file(Path(path), content)
    else:
        file_system.pipe_file(path, content)


def replace_file(target: Path, content: bytes) -> None:
    """Write a file on a disk as a whole, and its folder if it is not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)  # there only if it could not take its place


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
