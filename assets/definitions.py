"""What Dagster loads: everything put together, and nothing done."""

from __future__ import annotations

import dagster as dg

from assets.automation import jobs, schedules
from assets.checks import gate_checks
from assets.freshness import freshness_checks
from assets.ingestion import ingestion_assets, log_specs
from assets.notification import sensors
from assets.publication import publication_assets
from assets.resources import default_resources
from assets.transformation import transformation_assets


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
    resources |= {
        name: dg.ResourceDefinition.hardcoded_resource(value) for name, value in overrides.items()
    }
    return dg.Definitions(
        assets=[
            ingestion_assets(),
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


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location's definitions."""
    return build_defs()
