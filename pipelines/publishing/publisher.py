"""Publishing: build beside, verify, swap, prune; and the way back.

A publication's folder gets its name only when it is complete, and the pointer moves only after
that. Whatever happens before leaves the last good publication as it was; what a crash leaves
behind (`.building-…`) is removed by the next publication.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.publishing.build import PublishError, build
from pipelines.publishing.ledger import record_numbers
from pipelines.publishing.manifest import (
    DATABASE_NAME,
    MANIFEST_NAME,
    CheckSummary,
    Manifest,
    combined_hash,
)
from pipelines.publishing.pointer import current_version, describe_current, point_to
from pipelines.publishing.revision import code_revision
from pipelines.validation.contracts import Contract
from pipelines.validation.report import CheckResult, blocking

_BUILDING = ".building-"
_LOCK = ".lock"


class GateFailed(PublishError):
    """A blocking check failed: publishing is refused and the last publication holds."""

    def __init__(self, failed: Sequence[CheckResult]) -> None:
        self.failed = tuple(failed)
        lines = "\n".join(f"  {result}" for result in failed)
        super().__init__(f"{len(failed)} blocking check(s) failed:\n{lines}")


def publish(
    settings: Settings,
    clock: Clock,
    run_id: str,
    check_results: Sequence[CheckResult],
    contracts: Sequence[Contract],
) -> Manifest:
    """Publish the warehouse's marts as a new version and make it the current one.

    Args:
        settings: where the warehouse and the publications are, and how many to keep.
        clock: gives `published_at` and the version's name.
        run_id: the run that publishes.
        check_results: the run's check results; a failed blocking one refuses the publication.
        contracts: each mart's key, and whether it must be there and have rows.

    Returns:
        The new publication's manifest.

    Raises:
        GateFailed: a blocking check failed.
        PublishError: the new file is not what it should be.
        FileNotFoundError: there is no warehouse yet.
    """
    failed = blocking(check_results)
    if failed:
        raise GateFailed(failed)
    if not settings.warehouse_path.exists():
        raise FileNotFoundError(f"there is no warehouse yet: {settings.warehouse_path}")
    keys = {contract.mart: contract.key for contract in contracts}
    required = frozenset(contract.mart for contract in contracts if contract.min_rows > 0)
    with _alone(settings.published_dir):
        _remove_leftovers(settings.published_dir)
        earlier = publications(settings)
        building = settings.published_dir / f"{_BUILDING}{run_id}"
        building.mkdir()
        marts = build(settings.warehouse_path, building, keys, required, check_results)
        content_hash = combined_hash(marts)
        published_at = clock.now()
        manifest = Manifest(
            version=_free_name(
                settings.published_dir, f"{published_at:%Y%m%dT%H%M%SZ}-{content_hash[:8]}"
            ),
            sequence=max((other.sequence for other in earlier), default=0) + 1,
            replaces=current_version(settings.published_dir),
            published_at=published_at,
            run_id=run_id,
            code_revision=code_revision(settings.repo_dir),
            profile=settings.profile,
            content_hash=content_hash,
            database_bytes=(building / DATABASE_NAME).stat().st_size,
            duckdb_version=duckdb.__version__,
            marts=marts,
            checks=CheckSummary.of(check_results),
        )
        manifest.save(building)
        _settle(building)
        record_numbers(settings, building / DATABASE_NAME, manifest.version, published_at)
        building.rename(settings.published_dir / manifest.version)
        point_to(settings.published_dir, manifest.version)
        _prune(settings, (*earlier, manifest))
    return manifest


def publications(settings: Settings) -> tuple[Manifest, ...]:
    """Return the complete publications, in the order in which they were published."""
    found = [
        Manifest.load(path.parent)
        for path in settings.published_dir.glob(f"*/{MANIFEST_NAME}")
        if not path.parent.name.startswith(".")
    ]
    return tuple(sorted(found, key=lambda manifest: manifest.sequence))


def current(settings: Settings) -> Manifest | None:
    """Return the publication that users see now; None where nothing is published."""
    version = current_version(settings.published_dir)
    if version is None:
        return None
    return Manifest.load(settings.published_dir / version)


def rollback(settings: Settings, to: str | None = None) -> Manifest:
    """Make an earlier publication the current one again and return its manifest.

    Nothing is deleted, so a rollback can be undone with `to`.

    Args:
        settings: where the publications are.
        to: the version to go to; by default the one that the current version replaced.

    Raises:
        PublishError: there is no such publication, or none to go back to.
    """
    with _alone(settings.published_dir):
        by_version = {manifest.version: manifest for manifest in publications(settings)}
        here = current_version(settings.published_dir)
        if to is None:
            if here is None or here not in by_version:
                raise PublishError("nothing is published yet")
            to = by_version[here].replaces
            if to is None:
                raise PublishError(f"{here} is the first publication: nothing came before it")
        if to not in by_version:
            kept = ", ".join(by_version) or "none"
            raise PublishError(f"there is no publication {to} (kept: {kept})")
        point_to(settings.published_dir, to)
        return by_version[to]


@contextmanager
def _alone(published_dir: Path) -> Iterator[None]:
    """Keep other publishers and rollbacks out; the lock dies with the process."""
    published_dir.mkdir(parents=True, exist_ok=True)
    with (published_dir / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_leftovers(published_dir: Path) -> None:
    """Remove what a killed publication left, and repair `current.json` if it lags behind."""
    for path in published_dir.glob(f"{_BUILDING}*"):
        shutil.rmtree(path)
    version = current_version(published_dir)
    if version is not None:
        describe_current(published_dir, version)


def _free_name(published_dir: Path, name: str) -> str:
    """Return the name, with a number if the same content was published at the same instant."""
    candidate, number = name, 1
    while (published_dir / candidate).exists():
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _settle(folder: Path) -> None:
    """Make the files read-only and wait until they are on the disk."""
    for path in [*folder.rglob("*")]:
        if path.is_file():
            path.chmod(0o444)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prune(settings: Settings, manifests: Sequence[Manifest]) -> None:
    """Keep the last publications and the current one, remove older ones."""
    here = current_version(settings.published_dir)
    for manifest in manifests[: -settings.keep_publications]:
        if manifest.version != here:
            shutil.rmtree(settings.published_dir / manifest.version)
