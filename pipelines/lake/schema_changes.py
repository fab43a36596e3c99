"""What the answers of each source look like, kept beside its tables, and how they have changed."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.extraction import drift
from pipelines.extraction.drift import Change
from pipelines.extraction.run import Extraction
from pipelines.lake import storage

SEEN_FIELDS = "raw/ops/seen_field/{source}.parquet"
SEEN_NAMES = "raw/ops/seen_name/{source}.parquet"
CHANGES = "raw/ops/schema_change/{source}.parquet"


def compare(source_name: str, run: Extraction, settings: Settings) -> tuple[Change, ...]:
    """Hold the answers against those of earlier loads; keep what they look like, and what is new.

    Of a load that was killed before this, nothing is known: the next one finds the same.
    """
    file_system, root = storage.bucket(settings)
    path = f"{root}/{SEEN_FIELDS.format(source=source_name)}"
    known = storage.read_frame(file_system, path, drift.KNOWN_SCHEMA)
    known, changes = drift.compare(
        known, run.shapes, run.refused, run.fetched_at, unread=run.unread
    )
    if listed := run.listed():
        names_path = f"{root}/{SEEN_NAMES.format(source=source_name)}"
        names = storage.read_frame(file_system, names_path, drift.KNOWN_NAMES)
        names, gone = drift.compare_names(names, listed, run.fetched_at)
        changes += gone
    if changes:
        lines = [
            {**vars(change), "seen_at": run.fetched_at, "run_id": run.run_id, "reported_in": None}
            for change in changes
        ]
        news = f"{root}/{CHANGES.format(source=source_name)}"
        before = storage.read_frame(file_system, news, drift.CHANGE_SCHEMA)
        storage.replace_frame(
            file_system, news, pl.concat([before, pl.DataFrame(lines, drift.CHANGE_SCHEMA)])
        )
    if listed:
        storage.replace_frame(file_system, names_path, names)
    storage.replace_frame(file_system, path, known)
    return changes


def reported_changes(settings: Settings, run_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return, by raw table (source.table), the changes that no earlier run has reported.

    Grain: one entry per table whose answers were ever looked at. The run is noted as the one that
    reported them: asked again it gets the same, and another one gets what came since.
    """
    file_system, root = storage.bucket(settings)
    found: dict[str, list[dict[str, Any]]] = {}
    for source_name in sources.SOURCES:
        with storage.lock(settings, source_name):
            path = f"{root}/{SEEN_FIELDS.format(source=source_name)}"
            for name in storage.read_frame(file_system, path, drift.KNOWN_SCHEMA)[
                "table_name"
            ].unique():
                found[f"{source_name}.{name}"] = []
            path = f"{root}/{CHANGES.format(source=source_name)}"
            changes = storage.read_frame(file_system, path, drift.CHANGE_SCHEMA).with_columns(
                pl.col("reported_in").fill_null(run_id)
            )
            for change in changes.filter(pl.col("reported_in") == run_id).to_dicts():
                found.setdefault(f"{source_name}.{change['table_name']}", []).append(change)
            if changes.height:
                storage.replace_frame(file_system, path, changes)
    return dict(sorted(found.items()))
