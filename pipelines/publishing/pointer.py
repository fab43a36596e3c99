"""The names that users open, and how they are moved: `tokenmart.duckdb` and `current.json`.

One link decides what is current: `current`, which leads to the version's folder. The two names lead
through it, so whoever asks in SQL and whoever reads Parquet see the same version at every moment.
It is relative, made beside and moved over the old one with `os.replace`: a new reader sees the old
folder or the new one and never something in between, and a reader with the old file open keeps it.

Where links are not possible (some network and Windows file systems) the pointer is a hard link, or
else a copy, and decides; `current.json` is then a copy that is written after it, and repaired by
the next publication if somebody is killed between the two.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from pipelines.core.files import replace_file
from pipelines.publishing.manifest import DATABASE_NAME, MANIFEST_NAME, Manifest

CURRENT_NAME = "current.json"
_CURRENT = "current"
_NAMES = {DATABASE_NAME: DATABASE_NAME, CURRENT_NAME: MANIFEST_NAME}


def point_to(published_dir: Path, version: str) -> None:
    """Make `version` the current publication; atomic for readers."""
    try:
        _lead_through(published_dir, current_version(published_dir) or version)
        _replace_link(published_dir / _CURRENT, Path(version))
    except OSError:
        _point_without_links(published_dir, version)


def current_version(published_dir: Path) -> str | None:
    """Return the version that is current, whole or not; None where nothing was published."""
    decisive, pointer = published_dir / _CURRENT, published_dir / DATABASE_NAME
    if decisive.is_symlink():
        return decisive.readlink().name
    if pointer.is_symlink():  # as earlier releases left it
        return pointer.readlink().parent.name
    if not pointer.exists():
        return None
    for manifest in published_dir.glob(f"*/{MANIFEST_NAME}"):
        with suppress(OSError):
            if (manifest.parent / DATABASE_NAME).samefile(pointer):
                return manifest.parent.name
    described = described_current(published_dir)
    return described.version if described else None


def described_current(published_dir: Path) -> Manifest | None:
    """Return what `current.json` says; None where it says nothing that can be read."""
    with suppress(OSError, ValueError):
        return Manifest.model_validate_json((published_dir / CURRENT_NAME).read_bytes())
    return None


def repair_description(published_dir: Path) -> None:
    """Let `current.json` say what the pointer leads to, where it is a file of its own."""
    version = current_version(published_dir)
    if version is not None and not (published_dir / CURRENT_NAME).is_symlink():
        with suppress(FileNotFoundError):
            _describe(published_dir, version)


def _describe(published_dir: Path, version: str) -> None:
    manifest = (published_dir / version / MANIFEST_NAME).read_bytes()
    replace_file(published_dir / CURRENT_NAME, manifest)


def _lead_through(published_dir: Path, version: str) -> None:
    """Let both names lead through the link that decides; without one, it leads to the version."""
    if not (published_dir / _CURRENT).is_symlink():
        _replace_link(published_dir / _CURRENT, Path(version))
    for name, inside in _NAMES.items():
        path, through = published_dir / name, Path(_CURRENT, inside)
        if not path.is_symlink() or path.readlink() != through:
            _replace_link(path, through)


def _replace_link(path: Path, target: Path) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(path)


def _point_without_links(published_dir: Path, version: str) -> None:
    target, beside = (
        published_dir / version / DATABASE_NAME,
        published_dir / f".{DATABASE_NAME}.new",
    )
    beside.unlink(missing_ok=True)
    try:
        os.link(target, beside)
    except OSError:
        shutil.copy2(target, beside)
    beside.replace(published_dir / DATABASE_NAME)
    # replacing a hard link by another one to the same file is a no-op that leaves both
    beside.unlink(missing_ok=True)
    _describe(published_dir, version)
