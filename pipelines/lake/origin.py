"""Where a lake's observations come from: one dataset of the sandbox, or the live hosts.

The lake keeps everything it has ever heard. Two datasets in one lake, or a sandbox's inventions
beside real prices, would make marts that are true of neither, so the first run writes down whose
observations it lands, and a run with others is refused. That stands in the lake, and with it what
identifies its assets: a lake that is copied alone can be rebuilt alone.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.core.files import naming, replace_file
from pipelines.core.settings import Settings, SettingsError
from pipelines.extraction.universe import CURATION_TABLES
from pipelines.lake import storage

LIVE = "live"
_FILE = "origin.json"
_CURATION = "curation"


def origin_of(settings: Settings) -> str:
    """Return what the settings would land: `live`, or the dataset's folder."""
    if settings.profile == "live":
        return LIVE
    return f"dataset {settings.dataset}" if settings.dataset else "a sandbox server"


def claimed(settings: Settings) -> str | None:
    """Return whose observations the lake holds; None where nothing was landed.

    Raises:
        FileDamaged: what was written down cannot be read.
    """
    file_system, root = storage.bucket(settings)
    path = f"{root}/{_FILE}"
    if not file_system.exists(path):
        return None
    with naming(
        path,
        "whose observations the lake holds",
        "If they are of this run's market, write "
        f"{json.dumps({'origin': origin_of(settings)})} into it.",
        ValueError, KeyError, TypeError,
    ):  # fmt: skip
        return str(json.loads(file_system.cat_file(path))["origin"])


def claim(settings: Settings) -> None:
    """Write down, or else compare, whose observations the lake holds; keep their identities.

    The curated tables are copied as they are now: without them the same lake would give other
    marts, and their folder may be gone or elsewhere when it is rebuilt.

    Raises:
        SettingsError: the lake holds observations of another origin.
        FileDamaged: what was written down cannot be read.
    """
    file_system, root = storage.bucket(settings)
    here, before = origin_of(settings), claimed(settings)
    if before is None:
        content = (json.dumps({"origin": here}) + "\n").encode()
        storage.put(file_system, f"{root}/{_FILE}", content)
    elif before != here:
        raise SettingsError(
            f"{settings.lake_dir} holds observations of: {before}. This run would add: {here}. "
            "The two must not mix: choose another folder with TOKENMART_DATA_DIR, or delete "
            f"this one ({_relative(settings.data_dir)})."
        )
    if settings.curation_dir is not None:
        _keep(file_system, f"{root}/{_CURATION}", settings.curation_dir)


def _keep(file_system: Any, target: str, folder: Path) -> None:
    """Make the kept tables those of the folder; one that is as it was is not written again."""
    kept = set(file_system.find(target)) if file_system.exists(target) else set()
    for table in CURATION_TABLES:
        for file in [folder / f"{table}.parquet", *sorted((folder / table).glob("*.parquet"))]:
            if not file.is_file():
                continue
            path = f"{target}/{file.relative_to(folder).as_posix()}"
            content = file.read_bytes()
            if path not in kept or file_system.cat_file(path) != content:
                storage.put(file_system, path, content)
            kept.discard(path)
    for path in kept:
        file_system.rm_file(path)


def recall(settings: Settings) -> Settings:
    """Return the settings with the curated tables that the lake was landed with.

    For what works on the lake without its market: a rebuild, a publication. A curation folder in
    the settings themselves is kept. Those of a bucket are fetched into the data folder.
    """
    file_system, root = storage.bucket(settings)
    kept = f"{root}/{_CURATION}"
    if settings.curation_dir is not None or not file_system.exists(kept):
        return settings
    if "file" in file_system.protocol:
        return settings.model_copy(update={"curation_dir": Path(kept)})
    folder = settings.data_dir / _CURATION
    for path in file_system.find(kept):
        below = PurePosixPath(path).relative_to(kept)
        file = folder / below
        replace_file(file, file_system.cat_file(path))
    return settings.model_copy(update={"curation_dir": folder})


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
