"""dbt started with an environment of its own, where dagster-dbt's release was tried.

It replaces: `DbtCliResource.cli`, which takes the environment of this process where a run may have
settings of its own, and before each build asks dbt for its version and loads its adapter (8 s).
Upstream: https://github.com/dagster-io/dagster/pull/29656, closed without a merge.

Without it, which is what happens on a release that is not in `TRIED`: that resource, with the
environment lent to this process while dbt is started.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtCliResource, DbtProject

from assets.compat import is_tried
from pipelines.core.settings import lent_environment


def start_dbt(
    command: Sequence[str],
    arguments: Sequence[str],
    environment: Mapping[str, str],
    target: Path,
    context: dg.AssetExecutionContext,
    project: DbtProject,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
) -> DbtCliInvocation:
    """Start dbt on what the run has selected; the events are read from what is returned.

    Args:
        command: starts dbt; the resource starts the `dbt` beside this Python instead.
        arguments: dbt's own, without a selection.
        environment: all of dbt's environment.
        target: where dbt writes.
        context: the run's.
        project: the dbt project.
        manifest: of the project, parsed.
        translator: from dbt's resources to assets.
    """
    if not is_tried("dagster-dbt"):
        with lent_environment(environment):
            return DbtCliResource(
                project_dir=project,
                profiles_dir=str(project.profiles_dir),
                dbt_executable=str(Path(sys.executable).with_name("dbt")),
            ).cli(arguments, context=context, target_path=target, raise_on_error=False)
    from dagster_dbt.asset_utils import get_subset_selection_for_context
    from packaging.version import Version

    selection, _ = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=None,
        exclude=None,
        selector=None,
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    return DbtCliInvocation.run(
        args=[*command, *arguments, *selection],
        env={**environment, "DBT_LOG_FORMAT": "json", "DAGSTER_DBT_CLI": "true"},
        manifest=manifest,
        dagster_dbt_translator=translator,
        project_dir=Path(project.project_dir),
        target_path=target,
        raise_on_error=False,
        context=context,
        adapter=None,
        cli_version=Version(version("dbt-core")),
        dbt_project=project,
    )
