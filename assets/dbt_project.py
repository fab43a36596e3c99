"""The dbt project, as Dagster knows it, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from dagster_dbt import DbtProject

_FOLDER = Path(__file__).resolve().parents[1] / "dbt"


class ManifestMissing(Exception):
    """dbt's manifest was not built: definitions cannot load, and say how to get it."""


def dbt_project() -> DbtProject:
    """Return the project; nothing is parsed and nothing is written."""
    return DbtProject(project_dir=_FOLDER, profiles_dir=_FOLDER)


@cache
def manifest() -> dict[str, Any]:
    """Return the manifest that was built at install time.

    It is never built while definitions load: that takes seconds in every process, and writes.

    Raises:
        ManifestMissing: it was not built yet.
    """
    path = dbt_project().manifest_path
    if not path.exists():
        raise ManifestMissing(
            f"{path} is missing. `make install` builds it; so does "
            "`dbt parse --project-dir dbt --profiles-dir dbt`."
        )
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def mart_descriptions() -> dict[str, str]:
    """Return the marts that the project builds: name to description."""
    return {
        node["name"]: node["description"]
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }
