"""What a check says: one plain record, whoever ran it.

The three kinds of check (dbt tests, expectations, invariants) all end as `CheckResult`s; Dagster
shows them as asset checks, the lake keeps them, and `marts.ops_check_result` publishes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.core.excerpt import Excerpt
    from pipelines.core.settings import Settings

CheckKind = Literal["dbt", "expectation", "invariant", "schema"]
Severity = Literal["block", "warn"]

MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check of one mart.

    Attributes:
        run_id: the run that checked.
        checked_at: the run's clock when it checked.
        check_kind: who holds the rule.
        check_name: the rule, unique within its kind and mart.
        mart: the table that the rule is about.
        severity: `block` keeps the last publication when it fails, `warn` is only reported.
        is_passed: whether the rule holds.
        failed_row_count: how many rows break it; 0 when it holds or when rows are not its subject.
        detail: which rows broke what: up to five examples with key and values. Empty when passed.
        examples: some of the rows that break it, where rows are its subject. For who looks on: they
            are not recorded.
    """

    run_id: str
    checked_at: datetime
    check_kind: CheckKind
    check_name: str
    mart: str
    severity: Severity
    is_passed: bool
    failed_row_count: int = 0
    detail: str = ""
    examples: Excerpt | None = field(default=None, compare=False)

    @property
    def is_blocking(self) -> bool:
        """Whether this result forbids publishing."""
        return not self.is_passed and self.severity == "block"

    def __str__(self) -> str:
        state = "passed" if self.is_passed else f"failed ({self.severity})"
        text = f"{self.mart}: {self.check_name} {state}"
        return text if self.is_passed else f"{text}: {self.detail}"


def blocking(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the results that forbid publishing."""
    return tuple(result for result in results if result.is_blocking)


def check_result_schema() -> pa.Schema:
    """Return the Arrow schema of recorded results: the columns of `ops_check_result`."""
    import pyarrow as pa

    return pa.schema(
        [
            ("run_id", pa.string()),
            ("checked_at", pa.timestamp("us", tz="UTC")),
            ("check_kind", pa.string()),
            ("check_name", pa.string()),
            ("mart", pa.string()),
            ("severity", pa.string()),
            ("is_passed", pa.bool_()),
            ("failed_row_count", pa.int64()),
            ("detail", pa.string()),
        ]
    )


def to_arrow(results: Sequence[CheckResult]) -> pa.Table:
    """Return the results as an Arrow table: one row per result, columns of `ops_check_result`."""
    import pyarrow as pa

    schema = check_result_schema()
    rows = [{name: getattr(result, name) for name in schema.names} for result in results]
    return pa.Table.from_pylist(rows, schema=schema)


def _place(run_id: str, settings: Settings) -> tuple[Any, str]:
    """Return the lake's file system and where in it a run's results are kept: one file per run."""
    from pipelines.lake import storage

    file_system, root = storage.bucket(settings)
    return file_system, f"{root}/raw/ops/check_result/{run_id}.parquet"


def record(results: Sequence[CheckResult], settings: Settings) -> None:
    """Write results to the lake, one file per run.

    Called again for the same run (first with dbt's results, then with the gate's) it keeps what is
    there and replaces only results of the same kind, mart and name: a repeated step adds nothing
    twice. The file is replaced as a whole.
    """
    from pipelines.lake import storage

    for run_id in dict.fromkeys(result.run_id for result in results):
        merged = {_identity(result): result for result in recorded(run_id, settings)}
        merged.update({_identity(result): result for result in results if result.run_id == run_id})
        file_system, path = _place(run_id, settings)
        storage.replace_table(file_system, path, to_arrow(list(merged.values())))


def recorded(run_id: str, settings: Settings) -> tuple[CheckResult, ...]:
    """Return the results that a run recorded so far; none if it recorded nothing."""
    from pipelines.lake import storage

    file_system, path = _place(run_id, settings)
    if not file_system.exists(path):
        return ()
    found = storage.read_table(
        file_system,
        path,
        what=f"what the checks of the run {run_id} said",
        remedy="Delete it: the lake's observations and the publications do not need it.",
    )
    return tuple(CheckResult(**row) for row in found.to_pylist())


def _identity(result: CheckResult) -> tuple[str, str, str]:
    return result.check_kind, result.mart, result.check_name
