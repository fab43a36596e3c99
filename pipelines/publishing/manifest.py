"""What a publication says about itself: `manifest.json`, typed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipelines.core.files import naming, replace_file
from pipelines.validation.report import CheckResult

MANIFEST_NAME = "manifest.json"
DATABASE_NAME = "tokenmart.duckdb"
PARQUET_DIR = "parquet"
# the pages that people look at: made of what is published, so no part of its hashes
SITE_DIR = "site"
LAYOUT_VERSION = 1

# Results of the run itself: they differ between two runs that publish the same market.
RUN_TABLE_PREFIX = "ops_"


class MartEntry(BaseModel):
    """One published mart, or the view of its newest day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["table", "view"]
    """A mart is a table; a view shows the newest day of one."""
    key: tuple[str, ...]
    """The columns that identify a row; empty where the mart has no declared key."""
    columns: dict[str, str]
    """Column name to DuckDB type, in the table's order."""
    rows: int
    min_day: date | None
    max_day: date | None
    content_hash: str
    """See `fingerprint.py`: the same rows give the same hash, in any order and file layout."""
    model_version: str | None = None
    """The code that made it (see `provenance.py`); None where the warehouse does not know it."""
    parquet: str
    """The Parquet copy, relative to the manifest."""
    parquet_bytes: int


class FailedCheck(BaseModel):
    """A check that did not hold but does not forbid publishing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    name: str
    mart: str
    severity: str
    failed_rows: int
    detail: str


class CheckSummary(BaseModel):
    """The run's checks in figures, with the warnings in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    total: int
    passed: int
    warned: int
    by_kind: dict[str, int]
    warnings: tuple[FailedCheck, ...]

    @classmethod
    def of(cls, results: Sequence[CheckResult]) -> CheckSummary:
        """Summarise the run's results."""
        failed = [result for result in results if not result.is_passed]
        by_kind: dict[str, int] = {}
        for result in results:
            by_kind[result.check_kind] = by_kind.get(result.check_kind, 0) + 1
        return cls(
            total=len(results),
            passed=len(results) - len(failed),
            warned=len(failed),
            by_kind=dict(sorted(by_kind.items())),
            warnings=tuple(
                FailedCheck(
                    kind=result.check_kind,
                    name=result.check_name,
                    mart=result.mart,
                    severity=result.severity,
                    failed_rows=result.failed_row_count,
                    detail=result.detail,
                )
                for result in failed
            ),
        )


class Manifest(BaseModel):
    """One publication: what is in it, where it comes from, what was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout_version: int = LAYOUT_VERSION
    version: str
    """The folder's name: the clock's instant and the beginning of the content hash."""
    sequence: int
    """1 for the first publication here, then one more each time: the order of publishing."""
    replaces: str | None
    """The version that was current before; `rollback` goes there."""
    published_at: datetime
    run_id: str
    code_revision: str
    profile: str
    content_hash: str
    """One hash over all marts but the run's own results (`ops_*`)."""
    database: str = DATABASE_NAME
    database_bytes: int
    duckdb_version: str
    marts: tuple[MartEntry, ...]
    checks: CheckSummary

    @property
    def rows(self) -> int:
        """Rows over all marts."""
        return sum(mart.rows for mart in self.marts if mart.kind == "table")

    @property
    def newest_day(self) -> date | None:
        """The newest data day in any mart."""
        return max((mart.max_day for mart in self.marts if mart.max_day), default=None)

    def mart(self, name: str) -> MartEntry:
        """Return the entry of one mart.

        Raises:
            KeyError: this publication has no such mart.
        """
        for entry in self.marts:
            if entry.name == name:
                return entry
        raise KeyError(f"publication {self.version} has no mart {name!r}")

    def save(self, folder: Path) -> Path:
        """Write `manifest.json` into the publication's folder."""
        path = folder / MANIFEST_NAME
        replace_file(path, (self.model_dump_json(indent=2) + "\n").encode())
        return path

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read the manifest of the publication in `folder`.

        Raises:
            FileNotFoundError: the folder holds no manifest.
            FileDamaged: the file is not a manifest of this layout.
        """
        path = folder / MANIFEST_NAME
        with naming(
            path,
            f"what the publication {folder.name} says about itself",
            "Delete its folder, or restore it from a backup; the other publications are as they "
            "were.",
            ValueError,
        ):
            return cls.model_validate_json(path.read_bytes())


def problem_with(folder: Path, manifest: Manifest) -> str | None:
    """Return what a publication's folder lacks of what its manifest says; None: nothing."""
    written = {manifest.database: manifest.database_bytes}
    written |= {mart.parquet: mart.parquet_bytes for mart in manifest.marts}
    for name, size in written.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is gone"
        if (found := path.stat().st_size) != size:
            return f"{name} has {found:,} bytes, {size:,} were written"
    return None


def combined_hash(marts: Iterable[MartEntry]) -> str:
    """Return one hash over the marts that describe the market, in any order of the marts."""
    lines = sorted(
        f"{mart.name} {mart.content_hash}"
        for mart in marts
        if not mart.name.startswith(RUN_TABLE_PREFIX)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
