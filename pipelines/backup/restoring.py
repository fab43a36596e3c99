"""The way back: a backup becomes a data folder, after every byte of it was compared.

What is restored is written beside and moved into its place at the end, the lake last: whoever is
killed before that has no lake, and not a part of one.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.backup.store import Backup, BackupError, Store, StoredFile
from pipelines.core.files import replace_with
from pipelines.core.settings import Settings
from pipelines.lake import storage, upkeep
from pipelines.publishing.pointer import point_to

# what a command writes before it does anything, and the sandbox's market
_NO_DATA = {"logs", "locks", "sandbox"}
_NAMED = 5


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        name: the backup's name.
        backup: what it holds, all of it compared with its hashes.
        rows: rows of the restored lake, all of them read again; None where nothing was written.
    """

    name: str
    backup: Backup
    rows: int | None


def restore(
    settings: Settings, folder: Path, *, name: str | None = None, dry_run: bool = False
) -> Restored:
    """Make a data folder of a backup.

    Args:
        settings: the data folder and the lake, which must be empty.
        folder: where backups are.
        name: the backup; None: the newest.
        dry_run: compare every byte of the backup, and write nothing.

    Raises:
        BackupError: there is no such backup, it is not whole, or the data folder is not empty.
            Nothing was written.
        FileDamaged: its list is not what was written.
    """
    store = Store(folder)
    backup = store.load(name)
    if not dry_run:
        _refuse_full(settings)
    _refuse_damaged(store, backup)
    if dry_run:
        return Restored(backup.name, backup, None)
    _write(settings, store, backup)
    found = upkeep.verify(settings)
    if found.faults:
        named = ", ".join(f"{fault.path} {fault.problem}" for fault in found.faults[:_NAMED])
        raise BackupError(f"the restored lake is not what its catalog says: {named}")
    return Restored(backup.name, backup, found.rows)


def _refuse_full(settings: Settings) -> None:
    there = []
    if settings.data_dir.exists():
        names = {path.name for path in settings.data_dir.iterdir()} - _NO_DATA
        there = sorted(name for name in names if not name.startswith("."))
    file_system, root = storage.bucket(settings)
    if settings.lake_url is not None and file_system.exists(root) and file_system.find(root):
        there.append(settings.lake_dir)
    if there:
        raise BackupError(
            f"a backup is restored into an empty folder; {settings.data_dir} has "
            f"{', '.join(there)}. Move it away first: mv {settings.data_dir} "
            f"{settings.data_dir}.before"
        )


def _refuse_damaged(store: Store, backup: Backup) -> None:
    problems = [
        f"  {file.path} {problem}"
        for file in backup.files
        if (problem := store.problem_with(file)) is not None
    ]
    if problems:
        named = "\n".join(problems[:_NAMED])
        more = f"\n  and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        others = ", ".join(other for other in store.names() if other != backup.name) or "none"
        raise BackupError(
            f"the backup {backup.name} is not whole:\n{named}{more}\n"
            f"Nothing was written. Others in {store.folder} (--name): {others}"
        )


def _write(settings: Settings, store: Store, backup: Backup) -> None:
    file_system, root = storage.bucket(settings)
    published, lake = _below(backup, "published"), _below(backup, "lake")
    if published:
        _lay_out(store, published, settings.published_dir, mode=0o444)
        if backup.publication is not None:
            point_to(settings.published_dir, backup.publication)
    for file in backup.files:
        if PurePosixPath(file.path).parts[0] not in ("lake", "published"):
            replace_with(settings.data_dir / file.path, store.read(file))
            (settings.data_dir / file.path).chmod(0o600)
    if "file" in file_system.protocol:
        _lay_out(store, lake, Path(root))
    else:
        _upload(store, lake, file_system, root)


def _below(backup: Backup, folder: str) -> list[tuple[StoredFile, PurePosixPath]]:
    paths = [(file, PurePosixPath(file.path)) for file in backup.files]
    return [(file, path.relative_to(folder)) for file, path in paths if path.parts[0] == folder]


def _lay_out(
    store: Store,
    files: Sequence[tuple[StoredFile, PurePosixPath]],
    target: Path,
    mode: int = 0o644,
) -> None:
    """Write files beside a folder, and let them take its place together."""
    beside = target.with_name(f".{target.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    for file, below in files:
        replace_with(beside / below, store.read(file))
        (beside / below).chmod(mode)
    beside.rename(target)


def _upload(
    store: Store, files: Sequence[tuple[StoredFile, PurePosixPath]], file_system: Any, root: str
) -> None:
    for file, below in files:
        storage.put(file_system, f"{root}/{below}", b"".join(store.read(file)))
