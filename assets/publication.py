"""Publication: one op that builds, verifies and swaps, one asset for each published mart."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets import keys
from assets.checks import pass_gate
from assets.dbt_project import contracts, mart_descriptions
from assets.partitions import DAILY, SINGLE_RUN, window_of
from assets.resources import Progress
from pipelines import publishing
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.publishing import MartEntry
from pipelines.validation.report import recorded

OP_NAME = "publish_marts"


def publication_assets() -> dg.AssetsDefinition:
    """Return the published marts.

    Raises:
        ManifestMissing: the dbt project, which knows the marts, was not parsed yet.
    """
    specs = [
        dg.AssetSpec(
            key=keys.published(name),
            deps=[keys.mart(name)],
            description=f"Published, read-only. {description}",
            group_name=keys.PUBLISHED,
            owners=keys.OWNERS,
            kinds={"duckdb", "parquet"},
        )
        for name, description in sorted(mart_descriptions().items())
    ]

    @dg.multi_asset(
        name=OP_NAME,
        description="Publishes the marts that passed the gate as a new version.",
        specs=specs,
        partitions_def=DAILY,
        backfill_policy=SINGLE_RUN,
        pool=keys.WRITER_POOL,
        # a publication is all marts or none, whichever are selected. Dagster refuses a backfill of
        # an op that cannot be subset where one of its assets has fewer roots than the others: it
        # compares their days with `!=`, which TimeWindowPartitionsSubset does not define
        can_subset=True,
    )
    def publish(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        # a failed gate has stopped the run before; but what is published must not depend on how
        # the run was launched, and one that selects no checks had no gate yet
        results = recorded(context.run_id, settings)
        if all(result.check_kind == "dbt" for result in results):
            pass_gate(settings, clock, progress, context.run_id, window_of(context))
            results = recorded(context.run_id, settings)
        progress.begin("Publish")
        manifest = publishing.publish(settings, clock, context.run_id, results, contracts())
        progress.end(f"version {manifest.version}, {manifest.rows:,} rows")
        for spec in specs:
            made = _materialization(spec.key, manifest.version, manifest.mart(spec.key.path[-1]))
            if spec.key in context.selected_asset_keys:
                yield made
            else:
                context.log_event(dg.AssetMaterialization(spec.key, metadata=made.metadata))

    return publish


def _materialization(key: dg.AssetKey, version: str, entry: MartEntry) -> dg.MaterializeResult[Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": entry.rows,
        "version": version,
        "content hash": entry.content_hash,
        "model version": entry.model_version or "unknown",
    }
    if entry.max_day is not None:
        metadata |= {"oldest day": str(entry.min_day), "newest day": entry.max_day.isoformat()}
    return dg.MaterializeResult(
        asset_key=key, metadata=metadata, data_version=dg.DataVersion(entry.content_hash)
    )
