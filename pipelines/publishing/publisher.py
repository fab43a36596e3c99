"""Publishing: build beside, verify, swap, prune; and the way back.

A publication's folder gets its name only when it is complete, and the pointer moves only after
that. Whatever happens before leaves the last good publication as it was; what a crash leaves
behind (`.building-…`) is removed by the next publication.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.core.files import FileDamaged, sync_tree
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
    problem_with,
)
from pipelines.publishing.pointer import (
    current_version,
    described_current,
    point_to,
    repair_description,
)
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
    with alone(settings.published_dir):
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
    """Return the whole publications, in the order in which they were published."""
    return _inventory(settings)[0]


def damaged(settings: Settings) -> tuple[FileDamaged, ...]:
    """Return what is wrong with the publications that are not whole any more."""
    return _inventory(settings)[1]


def _inventory(settings: Settings) -> tuple[tuple[Manifest, ...], tuple[FileDamaged, ...]]:
    whole: list[Manifest] = []
    broken: list[FileDamaged] = []
    for folder in sorted(settings.published_dir.glob("*")):
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            whole.append(_whole(settings, folder.name))
        except FileDamaged as problem:
            broken.append(problem)
    return tuple(sorted(whole, key=lambda manifest: manifest.sequence)), tuple(broken)


def _whole(settings: Settings, version: str) -> Manifest:
    """Return a publication's manifest, if all that it names is there.

    Raises:
        FileDamaged: it cannot be read, or something is missing.
    """
    folder = settings.published_dir / version
    try:
        manifest = Manifest.load(folder)
    except FileNotFoundError:
        raise _broken(folder, f"{MANIFEST_NAME} is gone") from None
    if problem := problem_with(folder, manifest):
        raise _broken(folder, problem)
    return manifest


def _broken(folder: Path, problem: str) -> FileDamaged:
    return FileDamaged(
        folder,
        "a publication",
        "`tokenmart rollback` goes to a whole one, `tokenmart publish` makes a new one; then "
        "delete it.",
        problem,
    )


def current(settings: Settings) -> Manifest | None:
    """Return the publication that users see now; None where nothing is published.

    Raises:
        FileDamaged: it is not whole any more.
    """
    version = current_version(settings.published_dir)
    return None if version is None else _whole(settings, version)


def rollback(settings: Settings, to: str | None = None) -> Manifest:
    """Make an earlier publication the current one again and return its manifest.

    Nothing is deleted, so a rollback can be undone with `to`.

    Args:
        settings: where the publications are.
        to: the version to go to; by default the one that the current version replaced, or where
            that is not whole any more, the newest whole one before.

    Raises:
        PublishError: there is no such publication, or none to go back to.
        FileDamaged: the publication that is asked for is not whole any more.
    """
    with alone(settings.published_dir):
        whole = publications(settings)
        manifest = _wanted(settings, whole, to) if to else _before(settings, whole)
        point_to(settings.published_dir, manifest.version)
        return manifest


def _wanted(settings: Settings, whole: Sequence[Manifest], version: str) -> Manifest:
    by_version = {manifest.version: manifest for manifest in whole}
    if version in by_version:
        return by_version[version]
    if Path(version).name == version and (settings.published_dir / version).is_dir():
        return _whole(settings, version)  # says what is wrong with it
    kept = ", ".join(by_version) or "none"
    raise PublishError(f"there is no publication {version} (kept: {kept})")


def _before(settings: Settings, whole: Sequence[Manifest]) -> Manifest:
    here = current_version(settings.published_dir)
    if here is None:
        raise PublishError("nothing is published yet")
    by_version = {manifest.version: manifest for manifest in whole}
    known = by_version.get(here) or described_current(settings.published_dir)
    if known is not None and known.replaces is None:
        raise PublishError(f"{here} is the first publication: nothing came before it")
    if known is not None and known.replaces in by_version:
        return by_version[known.replaces]
    others = [manifest for manifest in whole if manifest.version != here]
    # what a folder that is gone replaced nobody knows, but its name says when it was published
    earlier = [
        manifest
        for manifest in others
        if (manifest.sequence < known.sequence if known else manifest.version < here)
    ]
    if not others:
        raise PublishError(f"there is no whole publication beside {here}: `tokenmart publish`")
    return (earlier or others)[-1]


@contextmanager
def alone(published_dir: Path) -> Iterator[None]:
    """Keep other publishers and rollbacks out; the lock dies with the process."""
    published_dir.mkdir(parents=True, exist_ok=True)
    with (published_dir / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_leftovers(published_dir: Path) -> None:
    """Remove what a killed publication left, and repair `current.json` if it lags behind."""
    for path in published_dir.glob(f"{_BUILDING}*"):
        shutil.rmtree(path)
    repair_description(published_dir)


def _free_name(published_dir: Path, name: str) -> str:
    """Return the name, with a number if the same content was published at the same instant."""
    candidate, number = name, 1
    while (published_dir / candidate).exists():
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def _settle(folder: Path) -> None:
    """Make the files read-only and wait until they are on the disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    sync_tree(folder)


def _prune(settings: Settings, manifests: Sequence[Manifest]) -> None:
    """Keep the last publications and the current one, remove older ones."""
    here = current_version(settings.published_dir)
    for manifest in manifests[: -settings.keep_publications]:
        if manifest.version != here:
            shutil.rmtree(settings.published_dir / manifest.version)
