"""What Dagster loads: everything put together, and nothing done."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets.automation import jobs, schedules
from assets.checks import gate_checks
from assets.freshness import freshness_checks
from assets.ingestion import ingestion_assets, log_specs
from assets.notification import sensors
from assets.partitions import days_of_market
from assets.publication import publication_assets
from assets.resources import default_resources
from assets.transformation import transformation_assets
from pipelines.core.settings import Settings, get_settings


def build_defs(**overrides: object) -> dg.Definitions:
    """Return fresh definitions.

    Args:
        overrides: resources to use instead of the usual ones: `settings`, `clock`, `progress`.

    Raises:
        ManifestMissing: the dbt project was not parsed yet.
        ValueError: there is no such resource.
    """
    resources = default_resources()
    unknown = sorted(set(overrides) - set(resources))
    if unknown:
        raise ValueError(f"no such resource: {', '.join(unknown)}")
    days = days_of_market(_settings(overrides))
    resources |= {
        name: dg.ResourceDefinition.hardcoded_resource(value) for name, value in overrides.items()
    }
    return dg.Definitions(
        assets=[
            ingestion_assets(days),
            *log_specs(),
            transformation_assets(),
            publication_assets(),
        ],
        asset_checks=[gate_checks(), *freshness_checks()],
        jobs=jobs(),
        schedules=schedules(),
        sensors=sensors(),
        resources=resources,
        # runs that the UI launches for single assets: one process each, like the jobs
        executor=dg.in_process_executor,
    )


def _settings(overrides: Mapping[str, object]) -> Settings:
    given = overrides.get("settings")
    return given if isinstance(given, Settings) else get_settings()


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location's definitions."""
    return build_defs()
