"""The names that users open, and how they are moved: `tokenmart.duckdb` and `current.json`.

The pointer is a relative symbolic link into the version's folder, made beside and moved over the
old one with `os.replace`: a new reader sees the old file or the new one and never something in
between, and a reader with the old file open keeps it. Where links are not possible (some network
and Windows file systems) the pointer is a hard link, or else a copy.

The pointer decides what is current; `current.json` says the same for programs and is written after
it, so a crash between the two leaves a stale copy that the next publication repairs.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from pipelines.publishing.manifest import DATABASE_NAME, MANIFEST_NAME, Manifest

CURRENT_NAME = "current.json"


def point_to(published_dir: Path, version: str) -> None:
    """Make `version` the current publication; atomic for readers."""
    target = published_dir / version / DATABASE_NAME
    beside = published_dir / f".{DATABASE_NAME}.new"
    beside.unlink(missing_ok=True)
    _link(target, beside)
    pointer = published_dir / DATABASE_NAME
    beside.replace(pointer)
    # replacing a hard link by another one to the same file is a no-op that leaves both
    beside.unlink(missing_ok=True)
    describe_current(published_dir, version)


def describe_current(published_dir: Path, version: str) -> None:
    """Write the current publication's manifest to `current.json`; atomic for readers."""
    beside = published_dir / f".{CURRENT_NAME}.new"
    shutil.copyfile(published_dir / version / MANIFEST_NAME, beside)
    beside.replace(published_dir / CURRENT_NAME)


def current_version(published_dir: Path) -> str | None:
    """Return the version that the pointer leads to; None where nothing is published."""
    pointer = published_dir / DATABASE_NAME
    if not pointer.exists():
        return None
    if pointer.is_symlink():
        return pointer.readlink().parent.name
    for manifest in published_dir.glob(f"*/{MANIFEST_NAME}"):
        with suppress(OSError):
            if (manifest.parent / DATABASE_NAME).samefile(pointer):
                return manifest.parent.name
    described = published_dir / CURRENT_NAME
    if described.exists():
        return Manifest.model_validate_json(described.read_text(encoding="utf-8")).version
    return None


def _link(target: Path, beside: Path) -> None:
    try:
        beside.symlink_to(Path(target.parent.name) / target.name)
    except OSError:
        try:
            os.link(target, beside)
        except OSError:
            shutil.copy2(target, beside)
