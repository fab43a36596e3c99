"""The dbt project: where it is, its manifest, how dbt is started on it.

`python -m assets.dbt_project` parses it, as `make install` does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from dagster_dbt import DbtProject

from pipelines.core.files import naming
from pipelines.core.settings import Settings, child_environment, get_settings
from pipelines.validation import Contract, read_contracts
from pipelines.validation.dbt_results import tested_node

_FOLDER = Path(__file__).resolve().parents[1] / "dbt"
_SOURCES = {".sql", ".yml", ".md", ".csv", ".py"}
_OUTPUT = {"target", "logs"}


class ManifestMissing(Exception):
    """dbt's manifest was not built: definitions cannot load, and say how to get it."""


def folder() -> Path:
    """Return where the project is; for a file of it, its own file need not be read."""
    return _FOLDER


def dbt_project() -> DbtProject:
    """Return the project, whose file is read; nothing is parsed and nothing is written."""
    return DbtProject(project_dir=_FOLDER, profiles_dir=_FOLDER)


def is_parsed() -> bool:
    """Whether the manifest is there and newer than every file that it was made from."""
    built = dbt_project().manifest_path
    if not built.exists():
        return False
    made_from = (
        path
        for path in _FOLDER.rglob("*")
        if path.suffix in _SOURCES and _OUTPUT.isdisjoint(path.relative_to(_FOLDER).parts)
    )
    return all(path.stat().st_mtime <= built.stat().st_mtime for path in made_from)


def parse(settings: Settings) -> None:
    """Build the manifest; `make install` does so, and the command line where it was not run.

    Raises:
        ManifestMissing: dbt refuses the project; the message is what it says.
    """
    done = subprocess.run(
        # all files anew: dbt loses the descriptions of tests when it amends an earlier parse
        [*dbt_command(), "--quiet", "--no-partial-parse", "parse"],
        cwd=_FOLDER,
        env=dbt_environment(settings, _FOLDER / "target"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ManifestMissing(f"dbt cannot parse the project: {done.stdout}{done.stderr}")
    manifest.cache_clear()


def dbt_command() -> tuple[str, ...]:
    """Return the command that starts the dbt of this Python, which ends with this process."""
    # -P: dbt works in its project's folder, whose names are not to be taken for packages
    return (sys.executable, "-P", "-m", "assets.compat.dbt_program", str(os.getpid()))


def dbt_environment(settings: Settings, target: Path) -> dict[str, str]:
    """Return the environment in which dbt works on the settings' folders."""
    return child_environment(
        data_dir=settings.data_dir,
        lake_url=settings.lake_url,
        curation_dir=settings.curation_dir,
    ) | {
        "DBT_PROJECT_DIR": str(_FOLDER),
        "DBT_PROFILES_DIR": str(_FOLDER),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
    }


@cache
def manifest() -> dict[str, Any]:
    """Return the manifest that was built at install time; each test says what it is about.

    dbt leaves that out of singular tests, and Dagster then shows those of several models nowhere.

    It is never built while definitions load: that takes seconds in every process, and writes.

    Raises:
        ManifestMissing: it was not built yet.
        FileDamaged: it was not built to its end.
    """
    path = dbt_project().manifest_path
    if not path.exists():
        raise ManifestMissing(
            f"{path} is missing. `make install` builds it; so does "
            "`dbt parse --project-dir dbt --profiles-dir dbt`."
        )
    with naming(path, "dbt's account of the project", "Delete it and run again.", ValueError):
        content: dict[str, Any] = json.loads(path.read_bytes())
    for node in content["nodes"].values():
        if node["resource_type"] == "test":
            node["attached_node"] = tested_node(node)
    return content


def fresh_manifest(settings: Settings) -> dict[str, Any]:
    """Return the manifest of the files as they are now, which is what dbt builds.

    Definitions that were loaded before a file changed keep what they were loaded from.
    """
    if not is_parsed():
        parse(settings)
    return manifest()


def contracts() -> tuple[Contract, ...]:
    """Return what users are promised of each mart, by name."""
    return read_contracts(manifest())


def marts() -> dict[str, dict[str, Any]]:
    """Return the marts that the project builds: name to what dbt knows of it."""
    return {
        node["name"]: node
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    }


def mart_descriptions() -> dict[str, str]:
    """Return the marts that the project builds: name to description."""
    return {name: node["description"] for name, node in marts().items()}


if __name__ == "__main__":
    parse(get_settings())
