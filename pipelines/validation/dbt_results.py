"""From dbt's artifacts to check results: what its tests found, and which rows break them.

dbt says how many rows fail a test but not which; the test's compiled query says it, and is run once
more for the failed ones, after dbt has let go of the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import Clock
from pipelines.validation.report import MAX_EXAMPLES, CheckResult, Severity

_PASSED = {"pass", "success"}
_IGNORED = {"skipped", "no-op"}


def dbt_check_results(
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    settings: Settings,
    clock: Clock,
    run_id: str,
) -> tuple[CheckResult, ...]:
    """Return the outcome of every data test of one dbt invocation.

    Args:
        run_results: the content of `run_results.json`.
        manifest: the content of `manifest.json`.
        settings: where the warehouse is, for the examples of failing rows.
        clock: stamps the results.
        run_id: the run that invoked dbt.

    Returns:
        One result per test that ran; tests skipped because a model failed are not among them.
    """
    found = []
    for result in run_results["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or node["resource_type"] != "test" or result["status"] in _IGNORED:
            continue
        is_passed = result["status"] in _PASSED
        found.append(
            CheckResult(
                run_id=run_id,
                checked_at=clock.now(),
                check_kind="dbt",
                check_name=node["name"],
                mart=_tested_model(node, manifest),
                severity=_severity(node, result["status"]),
                is_passed=is_passed,
                failed_row_count=0 if is_passed else int(result.get("failures") or 0),
                detail="" if is_passed else _detail(node, result, settings),
            )
        )
    return tuple(found)


def failed_models(run_results: Mapping[str, Any], manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return, for people, each model or seed that dbt could not build, with the reason."""
    failed = []
    for result in run_results["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        if node is None or node["resource_type"] == "test" or result["status"] != "error":
            continue
        failed.append(f"{node['name']}: {_one_line(result.get('message'))}")
    return tuple(failed)


def _severity(node: Mapping[str, Any], status: str) -> Severity:
    if status == "warn":
        return "warn"
    return "warn" if str(node["config"].get("severity", "error")).lower() == "warn" else "block"


def _tested_model(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    tested = node.get("attached_node")
    if tested is None:
        # a singular test: the model that it names first
        tested = next(iter(node["depends_on"]["nodes"]), None)
    found = manifest["nodes"].get(tested) or manifest["sources"].get(tested)
    return str(found["name"]) if found else "?"


def _detail(node: Mapping[str, Any], result: Mapping[str, Any], settings: Settings) -> str:
    message = _one_line(result.get("message"))
    if result["status"] == "error" or not result.get("compiled_code"):
        return message
    reported = node.get("description") or message
    return f"{_one_line(reported)}: {_examples(str(result['compiled_code']), settings)}"


def _examples(query: str, settings: Settings) -> str:
    import duckdb

    try:
        with warehouse.read(settings.warehouse_path) as connection:
            failing = connection.execute(f"select * from (\n{query}\n) limit {MAX_EXAMPLES}")  # noqa: S608
            names = [column[0] for column in failing.description or ()]
            rows = failing.fetchall()
    except duckdb.Error as problem:
        # the test's finding stands, only its examples are missing: say why
        return f"(no examples: {_one_line(str(problem))})"
    return " | ".join(
        ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True)) for row in rows
    )


def _one_line(text: str | None) -> str:
    return " ".join((text or "no message").split())
