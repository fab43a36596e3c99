"""From dbt's artifacts to check results: what its tests found, and which rows break them.

dbt says how many rows fail a test but not which; the test's compiled query says it, and is run once
more for the failed ones, after dbt has let go of the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.core import warehouse
from pipelines.core.excerpt import MAX_ROWS, Excerpt
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
        detail, examples = ("", None) if is_passed else _finding(node, result, settings)
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
                detail=detail,
                examples=examples,
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


def tested_node(test: Mapping[str, Any]) -> str | None:
    """Return the id of what a test is about: of a singular test the model that it names first."""
    attached: str | None = test.get("attached_node")
    return attached or next(iter(test["depends_on"]["nodes"]), None)


def _tested_model(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    tested = tested_node(node)
    found = manifest["nodes"].get(tested) or manifest["sources"].get(tested)
    return str(found["name"]) if found else "?"


def _finding(
    node: Mapping[str, Any], result: Mapping[str, Any], settings: Settings
) -> tuple[str, Excerpt | None]:
    """Return what a failed test found, in words and rows."""
    message = _one_line(result.get("message"))
    if result["status"] == "error" or not result.get("compiled_code"):
        return message, None
    examples = _examples(str(result["compiled_code"]), settings)
    reported = _one_line(node.get("description") or message).removesuffix(".")
    if isinstance(examples, str):
        return f"{reported}: (no examples: {examples})", None
    return f"{reported}: {examples.in_words(MAX_EXAMPLES)}", examples


def _examples(query: str, settings: Settings) -> Excerpt | str:
    """Return rows that break the rule; or why there are none to be shown."""
    import duckdb

    try:
        with warehouse.read(settings.warehouse_path) as connection:
            failing = connection.execute(f"select * from (\n{query}\n) limit {MAX_ROWS}")  # noqa: S608  # dbt's own text of a test
            names = [column[0] for column in failing.description or ()]
            return Excerpt.of(names, failing.fetchall())
    except duckdb.Error as problem:
        # the test's finding stands, only its examples are missing
        return _one_line(str(problem))


def _one_line(text: str | None) -> str:
    return " ".join((text or "no message").split())
