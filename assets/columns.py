"""Columns and code of assets, as Dagster's catalogue shows them: read from what is declared.

What dbt knows of a raw table's columns was written from the source's declaration, and of a mart's
from its contract, so the manifest has both; a history has the columns of the table it is of.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets.dbt_project import folder, manifest, marts
from pipelines import sources
from pipelines.publishing.presentation import Relation, present

_HISTORY_OF = "macro.tokenmart.history_of"
# what a history has in place of the columns of a load
_OF_LOADS = {"fetched_at", "_dlt_load_id"}
_OF_VERSIONS = (
    dg.TableColumn("content_hash", "varchar", "md5 over the payload; 'deleted' for a tombstone."),
    dg.TableColumn("is_deleted", "boolean", "From `known_at` on the source has no such fact."),
    dg.TableColumn("known_at", "timestamptz", "When the source said so: the run's clock."),
    dg.TableColumn("load_id", "varchar", "The load that brought the row."),
)
# how DuckDB spells what contracts abbreviate
_SPELLED = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


def of_raw_table(source: str, table: str) -> dict[str, Any]:
    """Return the metadata of a raw table: its columns, and where they are declared."""
    node = manifest()["sources"].get(f"source.tokenmart.{source}.{table}")
    declared = Path(str(sources.__file__)).parent / source / "tables.py"
    return {**_schema(_columns(node or {})), **_code(declared)}


def of_model(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the metadata of a dbt resource lack: the columns of a history, and its code."""
    found = _code(_file(props))
    if props["resource_type"] == "model" and _HISTORY_OF in props["depends_on"]["macros"]:
        table = manifest()["sources"][props["depends_on"]["nodes"][0]]
        facts = [column for column in _columns(table) if column.name not in _OF_LOADS]
        found |= _schema([*facts, *_OF_VERSIONS])
    return found


def of_published_marts() -> dict[str, dict[str, Any]]:
    """Return the metadata of each published mart: its columns as readers see them, and its code."""
    nodes = marts()
    relations = {name: _relation(node) for name, node in nodes.items()}
    return {
        name: _schema(
            [
                dg.TableColumn(column.name, column.kind.lower(), column.comment)
                for column in present(relation, relations, "marts").columns
            ]
        )
        | _code(_file(nodes[name]))
        for name, relation in relations.items()
    }


def _relation(node: Mapping[str, Any]) -> Relation:
    """Return a mart as DuckDB will describe it, from its contract."""
    columns = node["columns"]
    kinds = {name: str(column["data_type"]).upper() for name, column in columns.items()}
    return Relation(
        name=node["name"],
        columns={name: _SPELLED.get(kind, kind) for name, kind in kinds.items()},
        nullable=dict.fromkeys(columns, True),
        comment=node["description"],
        column_comments={name: column["description"] for name, column in columns.items()},
    )


def _columns(node: Mapping[str, Any]) -> list[dg.TableColumn]:
    return [
        dg.TableColumn(name, column["data_type"], column["description"])
        for name, column in node.get("columns", {}).items()
    ]


def _schema(columns: list[dg.TableColumn]) -> dict[str, Any]:
    return {"dagster/column_schema": dg.TableSchema(columns)} if columns else {}


def _file(props: Mapping[str, Any]) -> Path:
    return folder() / str(props["original_file_path"])


def _code(path: Path) -> dict[str, Any]:
    with warnings.catch_warnings():
        # it may change with any release: a test says so then, and not each command
        warnings.simplefilter("ignore", dg.BetaWarning)
        reference = dg.LocalFileCodeReference(file_path=str(path))
        found = dg.CodeReferencesMetadataValue(code_references=[reference])
    return {"dagster/code_references": found}
