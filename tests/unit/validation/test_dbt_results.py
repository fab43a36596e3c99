"""What a failed test of dbt says: which rows break it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.validation.dbt_results import dbt_check_results
from pipelines.validation.report import CheckResult

CLOCK = FixedClock(datetime(2024, 3, 2, 6, tzinfo=UTC))
TEST = "test.tokenmart.assert_closes_hold"
MANIFEST: dict[str, Any] = {
    "sources": {},
    "nodes": {
        "model.tokenmart.price_daily": {"name": "price_daily", "resource_type": "model"},
        "model.tokenmart.dim_asset": {"name": "dim_asset", "resource_type": "model"},
        TEST: {
            "name": "assert_closes_hold",
            "resource_type": "test",
            "description": "A close is\n a price.",
            "config": {"severity": "ERROR"},
            "depends_on": {"nodes": ["model.tokenmart.price_daily", "model.tokenmart.dim_asset"]},
        },
    },
}


def found(tmp_path: Path, **result: Any) -> CheckResult:
    settings = Settings(data_dir=tmp_path)
    with warehouse.write(settings.warehouse_path) as connection:
        connection.execute("create table price as select range as close from range(100)")
    run_results = {"results": [{"unique_id": TEST, **result}]}
    (one,) = dbt_check_results(run_results, MANIFEST, settings, CLOCK, "run")
    return one


def test_a_failed_test_shows_rows_that_break_it(tmp_path: Path) -> None:
    query = "select close from price where close > 10 order by close"
    one = found(tmp_path, status="fail", failures=89, compiled_code=query, message="Got 89")
    assert (one.mart, one.is_blocking, one.failed_row_count) == ("price_daily", True, 89)
    assert one.examples is not None
    assert one.examples.columns == ("close",)
    assert one.examples.rows == tuple((number,) for number in range(11, 31)), "bounded"
    assert one.detail == "A close is a price: close=11 | close=12 | close=13 | close=14 | close=15"


def test_a_finding_without_rows_says_why(tmp_path: Path) -> None:
    query = "select no_such_column from price"
    one = found(tmp_path, status="fail", failures=1, compiled_code=query, message="Got 1")
    assert one.examples is None
    assert "(no examples: Binder Error" in one.detail


def test_a_test_that_holds_says_nothing(tmp_path: Path) -> None:
    one = found(tmp_path, status="pass", failures=0, compiled_code="select 1")
    assert (one.is_passed, one.detail, one.examples) == (True, "", None)
