"""What changed between two publications, mart by mart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.publishing.build import SCHEMA, PublishError
from pipelines.publishing.fingerprint import quoted, row_text
from pipelines.publishing.manifest import MANIFEST_NAME, Manifest, MartEntry

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class MartDiff:
    """How one mart differs between an older and a newer publication.

    Attributes:
        mart: its name.
        rows_before: rows in the older one; None where it did not exist.
        rows_after: rows in the newer one; None where it no longer exists.
        is_changed: whether the content hash differs.
        columns_added: columns only in the newer one.
        columns_removed: columns only in the older one.
        keys_added: keys only in the newer one; None where the mart has no key in both.
        keys_removed: keys only in the older one.
        keys_changed: keys in both whose row differs in a column that both have.
    """

    mart: str
    rows_before: int | None
    rows_after: int | None
    is_changed: bool
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    keys_added: int | None = None
    keys_removed: int | None = None
    keys_changed: int | None = None


def diff(settings: Settings, before: str, after: str) -> tuple[MartDiff, ...]:
    """Return how publication `after` differs from `before`: one row per mart of either.

    The stamps that say when a table was built do not count (see `fingerprint.py`).

    Raises:
        PublishError: there is no publication of that version.
    """
    old, new = _load(settings, before), _load(settings, after)
    old_marts = {mart.name: mart for mart in old.marts}
    new_marts = {mart.name: mart for mart in new.marts}
    with warehouse.memory() as connection:
        for alias, manifest in (("older", old), ("newer", new)):
            path = settings.published_dir / manifest.version / manifest.database
            # two aliases cannot share one file: comparing a version with itself needs no file
            if old.version != new.version:
                connection.execute(f"attach '{_literal(path)}' as {alias} (read_only)")
        return tuple(
            _compare(connection, old_marts.get(name), new_marts.get(name))
            for name in sorted(old_marts | new_marts)
        )


def _load(settings: Settings, version: str) -> Manifest:
    folder = settings.published_dir / version
    if not (folder / MANIFEST_NAME).exists():
        raise PublishError(f"there is no publication {version}")
    return Manifest.load(folder)


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")


def _compare(
    connection: duckdb.DuckDBPyConnection, old: MartEntry | None, new: MartEntry | None
) -> MartDiff:
    if old is None or new is None:
        present = old or new
        if present is None:
            raise ValueError("a mart is in one of the two publications")
        return MartDiff(
            mart=present.name,
            rows_before=old.rows if old else None,
            rows_after=new.rows if new else None,
            is_changed=True,
        )
    is_changed = old.content_hash != new.content_hash
    added = removed = changed = None
    if old.key and old.key == new.key:
        added, removed, changed = _key_changes(connection, old, new) if is_changed else (0, 0, 0)
    return MartDiff(
        mart=old.name,
        rows_before=old.rows,
        rows_after=new.rows,
        is_changed=is_changed,
        columns_added=tuple(name for name in new.columns if name not in old.columns),
        columns_removed=tuple(name for name in old.columns if name not in new.columns),
        keys_added=added,
        keys_removed=removed,
        keys_changed=changed,
    )


def _key_changes(
    connection: duckdb.DuckDBPyConnection, old: MartEntry, new: MartEntry
) -> tuple[int, int, int]:
    shared = {name: kind for name, kind in old.columns.items() if name in new.columns}
    key = ", ".join(quoted(name) for name in old.key)
    mart = quoted(old.name)
    row = connection.execute(
        f"""
        with
        older_rows as (
            select {key}, {row_text(shared)} as line from older.{SCHEMA}.{mart}
        ),
        newer_rows as (
            select {key}, {row_text(shared)} as line from newer.{SCHEMA}.{mart}
        )
        select
            count(*) filter (where older_rows.line is null),
            count(*) filter (where newer_rows.line is null),
            count(*) filter (where older_rows.line != newer_rows.line)
        from older_rows full join newer_rows using ({key})
        """  # noqa: S608  # names come from the manifest and are quoted
    ).fetchone()
    if row is None:
        raise PublishError(f"{old.name} cannot be compared")
    return int(row[0]), int(row[1]), int(row[2])
