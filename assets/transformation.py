"""Transformation: the whole dbt project, one `dbt build` for each run."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation, DbtProject, dbt_assets

from assets import checks, columns, keys
from assets.compat.dbt_invocation import start_dbt
from assets.dbt_project import (
    dbt_command,
    dbt_environment,
    dbt_project,
    fresh_manifest,
    manifest,
)
from assets.partitions import existing_window
from assets.resources import Progress
from pipelines.core import retention, tracing, warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.lake.catalog import write_catalog
from pipelines.publishing.provenance import model_versions
from pipelines.validation import dbt_results, gate, measures
from pipelines.validation.report import CheckResult, record

OP_NAME = "build_warehouse"
_PARSED = "partial_parse.msgpack"
# the layers whose models are named by what they are of: `hist_<source>__<entity>`
_OF_A_SOURCE = {"history", "staging"}


class BuildConfig(dg.Config):
    """How the warehouse is built; a daily run needs none of it."""

    from_scratch: bool = False
    """Delete the warehouse first and build it from the lake alone."""
    as_of: str | None = None
    """Build the marts as they could have been built at this instant (ISO, with time zone)."""


class Translator(DagsterDbtTranslator):  # type: ignore[misc]
    """Decides how a dbt resource looks in Dagster; one small method for each concern."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return `raw/<source>/<table>` or `<layer>/<model>`."""
        if dbt_resource_props["resource_type"] == "source":
            return keys.raw(dbt_resource_props["source_name"], dbt_resource_props["name"])
        return keys.model(_layer(dbt_resource_props), dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the source of a source's models, the layer and the subject of the others."""
        if dbt_resource_props["resource_type"] == "source":
            return keys.source_group(dbt_resource_props["source_name"])
        layer = _layer(dbt_resource_props)
        if layer in _OF_A_SOURCE:
            _, _, rest = dbt_resource_props["name"].partition("_")
            return keys.source_group(rest.partition("__")[0])
        return keys.group(layer, dbt_resource_props["fqn"][-2])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the description as dbt has it, without the SQL text."""
        return str(dbt_resource_props.get("description") or "").strip()

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Return the check of a dbt test, described as the test or its kind is in dbt."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        test = manifest["nodes"][unique_id]
        kinds = (manifest["macros"][macro] for macro in test["depends_on"]["macros"])
        described = (self.get_description(props) for props in (test, *kinds))
        return dg.AssetCheckSpec(
            name=spec.name,
            asset=spec.asset_key,
            description=next(filter(None, described), None),
            additional_deps=spec.additional_deps,
            blocking=spec.blocking,
            metadata=spec.metadata,
        )

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what dagster-dbt knows, the columns of a history, and where the code is."""
        known = super().get_metadata(dbt_resource_props)
        return {**known, **columns.of_model(dbt_resource_props)}

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the layer; of a Python model its library, too: dbt and DuckDB are all models'."""
        is_python = dbt_resource_props.get("language") == "python"
        return {
            **super().get_tags(dbt_resource_props),
            **keys.layer(_layer(dbt_resource_props)),
            **({"dagster/kind/polars": ""} if is_python else {}),
        }

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Return the owners that dbt names, or the project's."""
        return super().get_owners(dbt_resource_props) or keys.OWNERS


def _layer(props: Mapping[str, Any]) -> str:
    return keys.CURATED if props["resource_type"] == "seed" else str(props["fqn"][1])


def transformation_assets() -> dg.AssetsDefinition:
    """Return the assets of the dbt project.

    Raises:
        ManifestMissing: the project was not parsed yet.
    """
    translator, project = Translator(), dbt_project()

    @dbt_assets(  # type: ignore[untyped-decorator]
        manifest=manifest(),
        name=OP_NAME,
        dagster_dbt_translator=translator,
        pool=keys.WRITER_POOL,
    )
    def build_warehouse(
        context: dg.AssetExecutionContext,
        config: BuildConfig,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[Any]:
        existing_window(context.run, settings)
        _open_warehouse(context, config, settings, progress)
        # of a model one output is reported; a test of it is none
        progress.begin("Build the warehouse with dbt", len(context.selected_asset_keys))
        gate.load_library()
        catalog = write_catalog(settings)
        context.log.info(f"the lake has {catalog.height:,} files of complete loads")
        invocation = _invoke(context, config, settings, translator, project)
        # what marts and tests report waits until dbt has let go of the warehouse: only then can
        # rows be counted and shown. What depends on a mart may not be reported before it
        held: list[Any] = []
        waiting = _marts_and_dependents(translator)
        with tracing.span("dbt", context.run_id):
            for event in invocation.stream():
                if isinstance(event, dg.AssetCheckResult) or _key_of(context, event) in waiting:
                    held.append(event)
                else:
                    yield event
                if isinstance(event, dg.Output):
                    progress.advance(event.output_name)
        run_results = _run_results(invocation)
        results = dbt_results.dbt_check_results(
            run_results, manifest(), settings, clock, context.run_id
        )
        record(results, settings)
        sizes = measures.mart_sizes(settings)
        failures = {result.check_name: result for result in results if not result.is_passed}
        for event in held:
            if isinstance(event, dg.AssetCheckResult):
                yield _with_finding(event, failures.get(event.check_name or ""))
            else:
                yield _with_size(context, event, sizes)
        broken = dbt_results.failed_models(run_results, manifest())
        failed = [result for result in results if result.is_blocking]
        progress.end(
            f"{len(sizes)} marts, {sum(size.rows for size in sizes.values()):,} rows, "
            f"{len(results) - len(failed)} of {len(results)} tests passed"
        )
        _tidy(settings, invocation.target_path)
        reasons = [*broken, *map(str, failed)]
        if any(map(warehouse.says_corrupt, reasons)):
            aside = warehouse.set_aside(settings.warehouse_path)
            said = f"the warehouse was damaged and is moved to {aside}: the next run builds it anew"
            reasons = [said, *reasons]
        if not reasons and not invocation.is_successful():
            reasons = [str(invocation.get_error())]
        if reasons:
            raise dg.Failure(
                description="dbt build failed: " + "; ".join(reasons), allow_retries=False
            )

    assets: dg.AssetsDefinition = build_warehouse
    return assets


def _open_warehouse(
    context: dg.AssetExecutionContext, config: BuildConfig, settings: Settings, progress: Progress
) -> None:
    """See that nobody writes to the warehouse and that it can be read, before dbt tries for long.

    A damaged one is moved aside: without one, everything is built from the lake.
    """
    aside = warehouse.set_aside_damaged(settings.warehouse_path)
    if aside is not None:
        said = f"it is damaged and moved to {aside}: it is built anew from the lake"
        progress.begin("Open the warehouse")
        progress.end(said)
        context.log.warning(f"{settings.warehouse_path}: {said}")
    if config.from_scratch:
        warehouse.remove(settings.warehouse_path)


def _invoke(
    context: dg.AssetExecutionContext,
    config: BuildConfig,
    settings: Settings,
    translator: Translator,
    project: DbtProject,
) -> DbtCliInvocation:
    """Start dbt as a process of its own, in the settings' folders."""
    target = settings.data_dir / "dbt" / context.run_id
    # unit tests prove the code, not the data: they run where the code is tested
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if config.as_of is not None:
        arguments += ["--vars", f"{{as_of: '{config.as_of}'}}"]
    environment = dbt_environment(settings, target) | {
        # the run's own log has what dbt says; writing it twice is a twentieth of the build's time
        "DBT_LOG_LEVEL_FILE": "none",
        "TOKENMART_MODEL_VERSIONS": json.dumps(model_versions(fresh_manifest(settings))),
    }
    _lend_parse(settings, target)
    return start_dbt(
        dbt_command(), arguments, environment, target, context, project, manifest(), translator
    )


def _run_results(invocation: DbtCliInvocation) -> Mapping[str, Any]:
    """Return dbt's account of the run; an empty one if it died before it could write it."""
    try:
        found: Mapping[str, Any] = invocation.get_artifact("run_results.json")
    except FileNotFoundError:
        return {"results": []}
    return found


def _marts_and_dependents(translator: Translator) -> set[dg.AssetKey]:
    nodes, children = manifest()["nodes"], manifest()["child_map"]
    found: set[str] = set()
    to_visit = [
        name
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["fqn"][1] == keys.MARTS
    ]
    while to_visit:
        name = to_visit.pop()
        if name not in found:
            found.add(name)
            to_visit += [child for child in children[name] if child.startswith("model.")]
    return {translator.get_asset_key(nodes[name]) for name in found}


def _key_of(context: dg.AssetExecutionContext, event: Any) -> dg.AssetKey | None:
    key: dg.AssetKey | None = (
        context.asset_key_for_output(event.output_name)
        if isinstance(event, dg.Output)
        else getattr(event, "asset_key", None)
    )
    return key


def _with_size(
    context: dg.AssetExecutionContext, event: Any, sizes: Mapping[str, measures.MartSize]
) -> Any:
    if not isinstance(event, dg.Output):
        return event
    size = sizes.get(context.asset_key_for_output(event.output_name).path[-1])
    if size is None:
        return event
    metadata: dict[str, Any] = {**event.metadata, "dagster/row_count": size.rows}
    if size.newest_day is not None:
        metadata["newest day"] = size.newest_day.isoformat()
    return dg.Output(event.value, output_name=event.output_name, metadata=metadata)


def _with_finding(event: dg.AssetCheckResult, found: CheckResult | None) -> dg.AssetCheckResult:
    """Return what a test reports; of a failed one with the rows that break it."""
    if found is None:
        return event
    return dg.AssetCheckResult(
        passed=event.passed,
        asset_key=event.asset_key,
        check_name=event.check_name,
        severity=event.severity,
        description=found.detail,
        metadata={**event.metadata, **checks.failing_rows([found])},
    )


def _lend_parse(settings: Settings, target: Path) -> None:
    """Give dbt the parsed project of the last run in these folders, or else of the install (6 s).

    dbt takes one only from a run with the same profile, and the profile names the data folder: the
    one of the install serves the data folder that the settings then named.
    """
    for folder in (settings.data_dir / "dbt", dbt_project().manifest_path.parent):
        if (folder / _PARSED).exists():
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / _PARSED, target / _PARSED)
            return


def _tidy(settings: Settings, target: Path) -> None:
    """Keep the parsed project for the next run, and of what runs wrote what is not too old."""
    if (target / _PARSED).exists():
        (target / _PARSED).replace(settings.data_dir / "dbt" / _PARSED)
    retention.sweep(settings)
