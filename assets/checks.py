"""The gate: publication contracts and invariants, as blocking asset checks on the marts.

dbt's own tests are asset checks already. This op runs what dbt cannot say, once for all marts, and
records every result in the lake before it reports, so that a failed gate can be looked up, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import dagster as dg

from assets import keys
from assets.dbt_project import contracts
from assets.partitions import existing_window
from assets.resources import Progress
from pipelines import publishing, validation
from pipelines.core import tracing
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock, Window
from pipelines.validation.report import CheckResult, record

OP_NAME = "gate"
CONTRACT_CHECK = "publication_contract"


def gate_checks() -> dg.AssetChecksDefinition:
    """Return the gate: one check for each mart's contract, one for each invariant.

    Raises:
        ManifestMissing: the dbt project, which knows the marts, was not parsed yet.
    """
    specs = [
        *(
            dg.AssetCheckSpec(
                CONTRACT_CHECK,
                asset=keys.mart(contract.mart),
                blocking=True,
                description=(
                    f"What users of {contract.mart} are promised: columns, types, key "
                    f"({', '.join(contract.key)}), size and fullness."
                ),
            )
            for contract in contracts()
        ),
        *(
            dg.AssetCheckSpec(
                invariant.name,
                asset=keys.mart(invariant.mart),
                blocking=invariant.severity == "block",
                description=invariant.description,
            )
            for invariant in validation.INVARIANTS
        ),
    ]

    @dg.multi_asset_check(
        name=OP_NAME,
        description="Checks the built marts before they may be published.",
        specs=specs,
        pool=keys.WRITER_POOL,
    )
    def gate(
        context: dg.AssetCheckExecutionContext,
        settings: dg.ResourceParam[Settings],
        clock: dg.ResourceParam[Clock],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.AssetCheckResult]:
        run = context.run
        window = existing_window(run, settings)
        results = pass_gate(settings, clock, progress, run.run_id, window)
        yield from as_asset_checks(results)

    return gate


def pass_gate(
    settings: Settings, clock: Clock, progress: Progress, run_id: str, window: Window | None
) -> tuple[CheckResult, ...]:
    """Check all contracts and invariants, record what was found, and return it."""
    progress.begin("Check contracts and invariants")
    with tracing.span("gate", run_id) as span:
        results = validation.check_all(
            settings, clock, run_id, window, contracts(), _published_rows(settings)
        )
        failed = [result for result in results if not result.is_passed]
        span.note(checks=len(results), failed_checks=len(failed))
    record(results, settings)
    progress.end(f"{len(results) - len(failed)} of {len(results)} passed")
    return results


def as_asset_checks(results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    """Yield one asset check result for each contract and each invariant."""
    by_check: dict[tuple[str, str], list[CheckResult]] = defaultdict(list)
    for result in results:
        if result.check_kind == "schema":
            continue  # reported by the op that landed the table
        name = CONTRACT_CHECK if result.check_kind == "expectation" else result.check_name
        by_check[result.mart, name].append(result)
    for (mart, name), found in by_check.items():
        failed = [result for result in found if not result.is_passed]
        is_blocking = any(result.is_blocking for result in failed)
        yield dg.AssetCheckResult(
            asset_key=keys.mart(mart),
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if is_blocking else dg.AssetCheckSeverity.WARN,
            description="; ".join(f"{result.check_name}: {result.detail}" for result in failed),
            metadata={
                "rules": len(found),
                "rules broken": len(failed),
                "rows that break them": sum(result.failed_row_count for result in failed),
                **failing_rows(failed),
            },
        )


def failing_rows(failed: Sequence[CheckResult]) -> dict[str, dg.MarkdownMetadataValue]:
    """Return the rows that break the rules of a check, as its metadata: a table for each rule."""
    return {
        f"{result.check_name}: failing rows": dg.MetadataValue.md(result.examples.as_markdown())
        for result in failed
        if result.examples is not None
    }


def _published_rows(settings: Settings) -> dict[str, int]:
    manifest = publishing.current(settings)
    return {mart.name: mart.rows for mart in manifest.marts} if manifest is not None else {}
