"""What runs leave behind beside data: kept for some days, then deleted.

Dagster's index of what was materialised is none of it: it says which days are landed, and stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, Clock, SystemClock

_KEPT_ARTIFACTS = 10
_INDEX = "index.db"


def sweep(settings: Settings, wall: Clock | None = None) -> int:
    """Delete what runs of more than `keep_runs_d` days ago left; return how many files and folders.

    That are the events and the output of each run, by which the UI shows what it did, and the
    folders of dbt, of which no more than the last few are kept in any case.
    """
    oldest = ((wall or SystemClock()).now() - settings.keep_runs_d * DAY).timestamp()
    left = [path for path in _left_by_runs(settings) if path.stat().st_mtime < oldest]
    folders = sorted(_folders(settings.data_dir / "dbt"), key=lambda path: path.stat().st_mtime)
    left += folders[:-_KEPT_ARTIFACTS]
    for path in dict.fromkeys(left):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(left)


def _left_by_runs(settings: Settings) -> Iterator[Path]:
    yield from _folders(settings.data_dir / "dbt")
    yield from _folders(settings.dagster_home / "storage")
    # one database of events for each run, and the files that SQLite keeps beside it
    for path in (settings.dagster_home / "history" / "runs").glob("*.db*"):
        if not path.name.startswith(_INDEX):
            yield path


def _folders(home: Path) -> Iterator[Path]:
    return (path for path in home.glob("*") if path.is_dir())
