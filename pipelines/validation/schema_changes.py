"""What sources changed about their answers, as results of checks: one for each raw table."""

from __future__ import annotations

from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.lake.schema_changes import reported_changes
from pipelines.validation.report import MAX_EXAMPLES, CheckResult

CHECK_NAME = "answers_look_as_before"


def check_schemas(settings: Settings, clock: Clock, run_id: str) -> tuple[CheckResult, ...]:
    """Return for each raw table whether its answers look as those of earlier loads did.

    A change is reported once, by the first gate after the load that met it. It never forbids to
    publish: what a table's declaration does not allow was not landed as a row of it.
    """
    results = []
    for table, changes in reported_changes(settings, run_id).items():
        reported = [
            f"{change['change']} {change['column']}"
            + (f" ({change['detail']})" if change["detail"] else "")
            for change in changes
        ]
        more = f"; and {len(reported) - MAX_EXAMPLES} more" if len(reported) > MAX_EXAMPLES else ""
        results.append(
            CheckResult(
                run_id=run_id,
                checked_at=clock.now(),
                check_kind="schema",
                check_name=CHECK_NAME,
                mart=table,
                severity="warn",
                is_passed=not changes,
                failed_row_count=sum(change["row_count"] for change in changes),
                detail="; ".join(reported[:MAX_EXAMPLES]) + more,
            )
        )
    return tuple(results)
