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

    With them goes the folder that identifies their assets: without it the same lake would give
    other marts.

    Raises:
        SettingsError: the folder holds observations of another origin.
    """
    path = settings.data_dir / _FILE
    here = origin_of(settings)
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        curation = str(settings.curation_dir) if settings.curation_dir else None
        path.write_text(
            json.dumps({"origin": here, "curation_dir": curation}) + "\n", encoding="utf-8"
        )
        return
    before = str(json.loads(path.read_text(encoding="utf-8"))["origin"])
    if before != here:
        raise SettingsError(
            f"{settings.data_dir} holds observations of: {before}. This run would add: {here}. "
            "The two must not mix: choose another folder with TOKENMART_DATA_DIR, or delete this "
            f"one ({_relative(settings.data_dir)})."
        )


def recall(settings: Settings) -> Settings:
    """Return the settings with the curation folder that the data folder's lake was landed with.

    For what works on the lake without its market: a rebuild, a publication. A curation folder in
    the settings themselves is kept.
    """
    path = settings.data_dir / _FILE
    if settings.curation_dir is not None or not path.exists():
        return settings
    curation = json.loads(path.read_text(encoding="utf-8")).get("curation_dir")
    if curation is None:
        return settings
    return settings.model_copy(update={"curation_dir": Path(curation)})


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
