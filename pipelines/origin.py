"""Where a data folder's observations come from: one dataset of the sandbox, or the live hosts.

The lake keeps everything it was ever told. Two datasets in one lake, or a sandbox's inventions
beside real prices, would make marts that are true of neither, so the first run writes down whose
observations it lands, and a run with others is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.settings import Settings, SettingsError

_FILE = "origin.json"
LIVE = "live"


def origin_of(settings: Settings) -> str:
    """Return what the settings would land: `live`, or the dataset's folder."""
    if settings.profile == "live":
        return LIVE
    return f"dataset {settings.dataset}" if settings.dataset else "a sandbox server"


def claim(settings: Settings) -> None:
    """Write down, or else compare, whose observations the data folder holds.

    Raises:
        SettingsError: the folder holds observations of another origin.
    """
    path = settings.data_dir / _FILE
    here = origin_of(settings)
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"origin": here}) + "\n", encoding="utf-8")
        return
    before = str(json.loads(path.read_text(encoding="utf-8"))["origin"])
    if before != here:
        raise SettingsError(
            f"{settings.data_dir} holds observations of: {before}. This run would add: {here}. "
            "The two must not mix: choose another folder with TOKENMART_DATA_DIR, or delete this "
            f"one ({_relative(settings.data_dir)})."
        )


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
