from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipelines.core.settings import Settings
from pipelines.validation.report import CheckResult, record, recorded

RESULT = CheckResult(
    run_id="run-1",
    checked_at=datetime(2024, 3, 2, 6, tzinfo=UTC),
    check_kind="dbt",
    check_name="unique",
    mart="price_daily",
    severity="block",
    is_passed=False,
    failed_row_count=2,
    detail="btc 2024-01-01",
)


def test_recorded_results_come_back_as_they_were(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    other = replace(RESULT, run_id="run-2", is_passed=True, failed_row_count=0, detail="")

    record([RESULT, other], settings)

    assert recorded("run-1", settings) == (RESULT,)
    assert recorded("run-2", settings) == (other,)
    assert recorded("run-3", settings) == ()


def test_a_later_step_of_the_run_adds_and_a_repeated_one_replaces(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    gate = replace(RESULT, check_kind="invariant", check_name="closes")

    record([RESULT], settings)
    record([gate], settings)
    record([replace(gate, detail="again")], settings)

    assert recorded("run-1", settings) == (RESULT, replace(gate, detail="again"))


def test_files_have_the_columns_of_ops_check_result(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    record([RESULT], settings)

    files = [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "lake/raw/ops/check_result/run-1.parquet"
    ]
    assert pl.read_parquet_schema(files[0]) == {
        "run_id": pl.String,
        "checked_at": pl.Datetime("us", "UTC"),
        "check_kind": pl.String,
        "check_name": pl.String,
        "mart": pl.String,
        "severity": pl.String,
        "is_passed": pl.Boolean,
        "failed_row_count": pl.Int64,
        "detail": pl.String,
    }
