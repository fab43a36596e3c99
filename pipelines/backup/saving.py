"""Making a backup: what is new since the last one is copied; it counts when all of it is there.

While it is made nobody lands and nobody publishes: it waits for those who do, and they wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.backup.store import Backup, BackupError, ContentDiffers, Store, StoredFile, pieces_of
from pipelines.core.settings import Settings
from pipelines.core.source_names import SOURCES
from pipelines.core.windows import Clock, SystemClock
from pipelines.lake import origin, storage
from pipelines.lake.catalog import write_catalog
from pipelines.publishing import publisher
from pipelines.publishing.pointer import current_version
from pipelines.publishing.revision import code_revision

# a file may be replaced while it is read: it is read again, and then somebody is at it for good
_ATTEMPTS = 3


@dataclass(frozen=True)
class Saved:
    """What making a backup did.

    Attributes:
        backup: what it holds.
        copied_files: how many of its files were not stored before.
        copied_bytes: and how large they are.
        forgotten: older backups that were dropped.
    """

    backup: Backup
    copied_files: int
    copied_bytes: int
    forgotten: int


@dataclass(frozen=True)
class _Found:
    path: str
    file_system: Any
    where: str
    byte_count: int
    sha256: str | None = None

    def pieces(self) -> Iterator[bytes]:
        with self.file_system.open(self.where, "rb") as source:
            yield from pieces_of(source)


def back_up(
    settings: Settings,
    folder: Path,
    *,
    with_publications: bool = False,
    keep: int | None = None,
    wall: Clock | None = None,
) -> Saved:
    """Copy what cannot be made again into a folder of backups.

    Args:
        settings: the data folder and the lake.
        folder: where backups are.
        with_publications: the publications as well.
        keep: so many backups stay in the folder; None: all.
        wall: dates the backup.

    Raises:
        BackupError: the lake is empty or damaged, or the folder is no place for its backup. No
            backup was added.
        LakeDamaged: a file of the lake is gone.
    """
    store = Store(folder)
    _refuse_place(settings, folder)
    with ExitStack() as stack:
        stack.enter_context(store.alone())
        for source in SOURCES:
            stack.enter_context(storage.lock(settings, source))
        stack.enter_context(publisher.alone(settings.published_dir))
        whose = origin.claimed(settings)
        if whose is None:
            raise BackupError(f"nothing was landed yet in {settings.lake_dir}")
        _refuse_other(store, whose)
        files, copied = [], []
        for found in _found(settings, with_publications=with_publications):
            file, is_new = _save(store, found)
            files.append(file)
            copied += [file.byte_count] if is_new else []
        backup = Backup(
            made_at=(wall or SystemClock()).now(),
            origin=whose,
            code_revision=code_revision(settings.repo_dir),
            publication=current_version(settings.published_dir) if with_publications else None,
            files=tuple(files),
        )
        store.add(backup)
        return Saved(backup, len(copied), sum(copied), store.forget(keep))


def _refuse_place(settings: Settings, folder: Path) -> None:
    if folder.resolve().is_relative_to(settings.data_dir):
        raise BackupError(
            f"{folder} is in the data folder, and would be lost with it: choose another place"
        )


def _refuse_other(store: Store, whose: str) -> None:
    if store.names() and (before := store.load().origin) != whose:
        raise BackupError(
            f"{store.folder} holds backups of: {before}. This one would be of: {whose}. "
            "Choose another folder"
        )


def _found(settings: Settings, *, with_publications: bool) -> Iterator[_Found]:
    """Yield what is to be kept; the publications first, whose numbers are in the lake."""
    import fsspec

    local = fsspec.filesystem("file")
    if with_publications:
        for manifest in publisher.publications(settings):
            folder = settings.published_dir / manifest.version
            yield from _below(local, str(folder), f"published/{manifest.version}")
    yield from _of_lake(settings)
    for path in (settings.incidents_path, settings.keys_path):
        if path.exists():
            below = path.relative_to(settings.data_dir).as_posix()
            yield _Found(below, local, str(path), path.stat().st_size)


def _of_lake(settings: Settings) -> Iterator[_Found]:
    """Yield the lake's files, but those that no reader of it may look at."""
    file_system, root = storage.bucket(settings)
    listed = dict(write_catalog(settings).select("path", "sha256").iter_rows())
    for found in _below(file_system, root, "lake"):
        below = PurePosixPath(found.path).relative_to("lake")
        if str(below) in listed:
            yield _Found(found.path, file_system, found.where, found.byte_count, listed[str(below)])
        elif not _is_of_a_load(below):
            yield found


def _is_of_a_load(below: PurePosixPath) -> bool:
    # raw/<source>/<table>/load_date=…/<file>.parquet: without a line in the catalog the load was
    # killed, or its rows are in a compacted file
    return below.parts[0] == "raw" and len(below.parts) == 5


def _below(file_system: Any, root: str, path: str) -> Iterator[_Found]:
    for where, detail in sorted(file_system.find(root, detail=True).items()):
        below = PurePosixPath(where).relative_to(root)
        # what somebody who was killed was about to write
        if not below.name.startswith("."):
            yield _Found(f"{path}/{below}", file_system, where, int(detail["size"]))


def _save(store: Store, found: _Found) -> tuple[StoredFile, bool]:
    """Store a file, if its bytes are not there yet; tell whether they were not."""
    for _ in range(_ATTEMPTS):
        try:
            file = _described(found)
            if store.has(file):
                return file, False
            store.put(file, found.pieces())
        except FileNotFoundError:
            raise BackupError(f"{found.path} went away while it was copied: run it again") from None
        except ContentDiffers as problem:
            if found.sha256 is not None:
                raise BackupError(
                    f"{found.path} {problem}: it is not what was landed. `tokenmart lake verify` "
                    "names what is damaged; earlier backups are as they were"
                ) from None
        else:
            return file, True
    raise BackupError(f"{found.path} is written again and again: run it when nobody does")


def _described(found: _Found) -> StoredFile:
    """Return the file by what the catalog says of it, without reading; or by its bytes."""
    if found.sha256 is not None:
        return StoredFile(path=found.path, byte_count=found.byte_count, sha256=found.sha256)
    digest, size = hashlib.sha256(), 0
    for piece in found.pieces():
        digest.update(piece)
        size += len(piece)
    return StoredFile(path=found.path, byte_count=size, sha256=digest.hexdigest())
