"""Publication: one op that builds, verifies and swaps, one asset for each published mart."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from assets import columns, keys
from assets.checks import pass_gate
from assets.dbt_project import contracts, marts
from assets.partitions import existing_window
from assets.resources import Progress
from pipelines import publishing, site
from pipelines.core import tracing
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.publishing import MartEntry, Preview, PreviewError
from pipelines.publishing.manifest import DATABASE_NAME, SITE_DIR
from pipelines.validation.report import recorded

OP_NAME = "publish_marts"
# of a number in a preview
_DIGITS = 5


def publication_assets() -> dg.AssetsDefinition:
    """Return the published marts: all of them or none.

    Raises:
        ManifestMissing: the dbt project, which knows the marts, was not parsed yet.
    """
    declared = columns.of_published_marts()
    specs = [
        dg.AssetSpec(
            key=keys.published(name),
            deps=[keys.mart(name)],
            description=f"Published, read-only. {node['description']}",
            group_name=keys.group(keys.PUBLISHED, node["fqn"][-2]),
            owners=keys.OWNERS,
            tags=keys.layer(keys.PUBLISHED),
            metadata=declared[name],
            kinds={"duckdb", "parquet"},
        )
        for name, node in sorted(marts().items())
    ]

    @dg.multi_asset(
        name=OP_NAME,
        description="Publishes the marts that passed the gate as a new version.",
        specs=specs,
        pool=keys.WRITER_POOL,
    )
    def publish(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        window = existing_window(context.run, settings)
        # a failed gate has stopped the run before; but what is published must not depend on how
        # the run was launched, and one that selects no checks had no gate yet
        results = recorded(context.run_id, settings)
        if all(result.check_kind == "dbt" for result in results):
            pass_gate(settings, clock, progress, context.run_id, window)
            results = recorded(context.run_id, settings)
        progress.begin("Publish")
        with tracing.span("publish", context.run_id) as span:
            manifest = publishing.publish(settings, clock, context.run_id, results, contracts())
            span.note(version=manifest.version, rows=manifest.rows)
        progress.end(f"version {manifest.version}, {manifest.rows:,} rows")
        folder = settings.published_dir / manifest.version
        if settings.pages:
            _make_pages(context, folder, progress)
        shown: dict[str, Preview] = {}
        try:
            shown = publishing.previews(folder / DATABASE_NAME)
        except PreviewError as problem:
            # what is published is published: a picture that cannot be drawn must not fail it
            context.log.warning(f"no previews of {manifest.version}: {problem}")
        for spec in specs:
            name = spec.key.path[-1]
            yield _materialization(
                spec.key, manifest.version, manifest.mart(name), folder, shown.get(name)
            )
        # last: what is published is published, whether PostgreSQL can be reached or not
        if settings.mirror_url is not None:
            progress.begin("Copy to PostgreSQL")
            publishing.mirror(settings, manifest)
            progress.end(f"version {manifest.version}")

    return publish


def _make_pages(context: dg.AssetExecutionContext, folder: Path, progress: Progress) -> None:
    """Make the pages of what is published already: a page that cannot be made must not fail it."""
    progress.begin("Pages")
    try:
        made = site.make(folder, folder / SITE_DIR)
    except Exception as problem:  # noqa: BLE001  # whatever it is, the marts are there
        context.log.warning(f"no pages of {folder.name}: {problem!r}")
        progress.end(f"not made: {problem}")
    else:
        progress.end(f"{made.pages:,} pages in {made.seconds:.0f} s")


def _materialization(
    key: dg.AssetKey, version: str, entry: MartEntry, folder: Path, shown: Preview | None
) -> dg.MaterializeResult[Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": entry.rows,
        "version": version,
        "content hash": entry.content_hash,
        "model version": entry.model_version or "unknown",
        "path": dg.MetadataValue.path((folder / entry.parquet).absolute()),
    }
    if entry.max_day is not None:
        metadata |= {"oldest day": str(entry.min_day), "newest day": entry.max_day.isoformat()}
    if shown is not None:
        metadata["newest rows"] = dg.MetadataValue.md(shown.rows.as_markdown(_DIGITS))
        if shown.picture is not None:
            image = base64.b64encode(shown.picture).decode("ascii")
            metadata["the last year"] = dg.MetadataValue.md(
                f"![the last year of {entry.name}](data:image/png;base64,{image})"
            )
    return dg.MaterializeResult(
        asset_key=key, metadata=metadata, data_version=dg.DataVersion(entry.content_hash)
    )
