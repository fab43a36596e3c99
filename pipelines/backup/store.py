"""A folder of backups: each file once, named by the hash of its bytes, and a list for each backup.

A backup is there when its list is: the list is written last, and names nothing that was not on the
disk before. What two backups have in common is stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel, ConfigDict, field_validator

from pipelines.core.files import naming, replace_file, replace_with

LAYOUT_VERSION = 1
_OBJECTS, _LISTS = "objects", "backups"
_PIECE_BYTES = 2**20
_DIGEST_DIGITS = 12


class BackupError(Exception):
    """A backup cannot be made or used; the message says why. Nothing was changed."""


class ContentDiffers(Exception):
    """What was read is not what it was to be."""


class StoredFile(BaseModel):
    """A file of a backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """Where it belongs: `lake/…`, `published/…`, or another place in the data folder."""
    byte_count: int
    sha256: str

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = PurePosixPath(value).parts
        if not parts or ".." in parts or parts[0] == "/":
            raise ValueError(f"{value} leads out of the folder that is restored")
        return value


class Backup(BaseModel):
    """What one backup holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout_version: int = LAYOUT_VERSION
    made_at: datetime
    origin: str
    """Whose observations the lake holds."""
    code_revision: str
    publication: str | None
    """The version that was current; None where no publications are kept."""
    files: tuple[StoredFile, ...]

    @property
    def name(self) -> str:
        """When it was made, and the hash of all that it says."""
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.made_at:%Y%m%dT%H%M%SZ}-{digest[:_DIGEST_DIGITS]}"

    @property
    def byte_count(self) -> int:
        """How large it is, without regard to what other backups hold as well."""
        return sum(file.byte_count for file in self.files)


class Store:
    """The folder that backups are in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others out who would write into the folder; the lock dies with the process."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            yield

    def names(self) -> tuple[str, ...]:
        """Return the names of the backups, oldest first."""
        return tuple(sorted(path.stem for path in (self.folder / _LISTS).glob("*.json")))

    def load(self, name: str | None = None) -> Backup:
        """Return what a backup holds.

        Args:
            name: the backup; None: the newest.

        Raises:
            BackupError: there is none, or none of that name.
            FileDamaged: its list is not what was written.
        """
        names = self.names()
        if not names:
            raise BackupError(f"{self.folder} holds no backup")
        wanted = name or names[-1]
        if wanted not in names:
            raise BackupError(f"{self.folder} holds no backup {wanted}: {', '.join(names)}")
        path = self._list(wanted)
        remedy = f"Restore another one (--name): {', '.join(names)}."
        with naming(path, "the list of a backup's files", remedy, ValueError):
            backup = Backup.model_validate_json(path.read_bytes())
            if backup.name != wanted:
                raise ValueError("other bytes than were written")
        return backup

    def add(self, backup: Backup) -> None:
        """Write the list of a backup whose files are stored: from here on it is one."""
        replace_file(self._list(backup.name), backup.model_dump_json(indent=1).encode())

    def has(self, file: StoredFile) -> bool:
        """Tell whether the file's bytes are stored, by name and size."""
        path = self._object(file.sha256)
        return path.is_file() and path.stat().st_size == file.byte_count

    def put(self, file: StoredFile, pieces: Iterable[bytes]) -> None:
        """Store a file's bytes.

        Raises:
            ContentDiffers: they have another hash; nothing is stored.
        """
        replace_with(self._object(file.sha256), _verified(file, pieces))

    def read(self, file: StoredFile) -> Iterator[bytes]:
        """Yield a file's bytes.

        Raises:
            ContentDiffers: at their end, where they are not those that were stored.
            FileNotFoundError: they are gone.
        """
        with self._object(file.sha256).open("rb") as source:
            yield from _verified(file, pieces_of(source))

    def problem_with(self, file: StoredFile) -> str | None:
        """Read a file to its end; return what is wrong with it, None: nothing."""
        try:
            for _ in self.read(file):
                pass
        except FileNotFoundError:
            return "is gone"
        except ContentDiffers as problem:
            return str(problem)
        return None

    def forget(self, keep: int | None) -> int:
        """Drop all but the newest backups, and what no backup names; return how many were dropped.

        Args:
            keep: so many backups stay; None: all.

        Raises:
            FileDamaged: the list of one that stays cannot be read: what it names is not known.
        """
        names = self.names()
        dropped = names[:-keep] if keep is not None else ()
        named = {file.sha256 for name in names[len(dropped) :] for file in self.load(name).files}
        for name in dropped:
            self._list(name).unlink()
        for path in (self.folder / _OBJECTS).glob("*/*"):
            # also what a backup that was killed has left
            if path.name not in named:
                path.unlink()
        return len(dropped)

    def _list(self, name: str) -> Path:
        return self.folder / _LISTS / f"{name}.json"

    def _object(self, sha256: str) -> Path:
        return self.folder / _OBJECTS / sha256[:2] / sha256


def pieces_of(source: IO[bytes]) -> Iterator[bytes]:
    """Yield an open file's bytes, not all at a time."""
    while piece := source.read(_PIECE_BYTES):
        yield piece


def _verified(file: StoredFile, pieces: Iterable[bytes]) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        yield piece
    if digest.hexdigest() != file.sha256 or size != file.byte_count:
        raise ContentDiffers(f"has other bytes: {size:,}, {file.byte_count:,} are listed")
