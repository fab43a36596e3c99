"""The gate holds what it reads from dbt: errors planted in the project's own marts are found."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from assets import checks, dbt_project
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.validation import Contract
from pipelines.validation.expectations import check_contracts
from pipelines.validation.report import CheckResult

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)
MART = "returns_risk_daily"
# columns of its rows: those that must not be NULL, or of which something is expected
ROW = {
    "asset_id": "'bitcoin'",
    "day": "cast(day as date)",
    "ret_1d": "0.01",
    "logret_1d": "0.00995",
    "vol_30d_ann": "0.6",
    "drawdown_frac": "-0.2",
}
# as many as shares and middle values are held of
DAYS = "generate_series(date '2024-01-01', date '2024-02-29', interval 1 day) as series (day)"

Failed = Callable[..., dict[str, bool]]
Check = Callable[..., tuple[CheckResult, ...]]


def table(contract: Contract) -> str:
    """Return the statement that makes an empty table of a contract, as dbt does."""
    columns = ", ".join(
        f"{name} {column.kind}{'' if column.is_nullable else ' not null'}"
        for name, column in contract.columns.items()
    )
    return f"create table marts.{contract.mart} ({columns})"


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks the mart's contract after some changes to it."""
    (contract,) = (one for one in dbt_project.contracts() if one.mart == MART)

    def run(*changes: str) -> tuple[CheckResult, ...]:
        settings = Settings(data_dir=tmp_path)
        with warehouse.write(settings.warehouse_path) as connection:
            connection.execute("create schema marts")
            connection.execute(table(contract))
            names, values = ", ".join(ROW), ", ".join(ROW.values())
            connection.execute(f"insert into marts.{MART} ({names}) select {values} from {DAYS}")
            for change in changes:
                connection.execute(change)
        return check_contracts(settings, FixedClock(NOW), "run", [contract])

    return run


@pytest.fixture
def failed(check: Check) -> Failed:
    """Return a function that says which expectations fail after some changes; and if they block."""

    def run(*changes: str) -> dict[str, bool]:
        results = check(*changes)
        return {result.check_name: result.is_blocking for result in results if not result.is_passed}

    return run


def test_a_mart_as_dbt_builds_it_passes(failed: Failed) -> None:
    assert failed() == {}


@pytest.mark.parametrize(
    ("name", "change", "is_blocking"),
    [
        ("types", f"alter table marts.{MART} alter ret_7d type float", True),
        ("types", f"alter table marts.{MART} alter asset_id drop not null", True),
        ("columns", f"alter table marts.{MART} drop beta_btc_90d", True),
        ("columns", f"drop table marts.{MART}", True),
        ("unique_key", f"insert into marts.{MART} from marts.{MART}", True),
        ("min_rows", f"delete from marts.{MART}", True),
        ("contains__asset_id", f"update marts.{MART} set asset_id = 'btc'", False),
        ("filled__ret_1d", f"update marts.{MART} set ret_1d = null", True),
        ("median__ret_1d", f"update marts.{MART} set ret_1d = 1", True),
        # its bounds stand in the column's description
        ("median__drawdown_frac", f"update marts.{MART} set drawdown_frac = 20", True),
        ("median__vol_30d_ann", f"update marts.{MART} set vol_30d_ann = 0.04", False),
    ],
)
def test_a_planted_error_is_found(
    failed: Failed, name: str, change: str, is_blocking: bool
) -> None:
    assert failed(change).get(name) is is_blocking


def test_a_key_that_is_null_is_found(failed: Failed) -> None:
    found = failed(
        f"alter table marts.{MART} alter day drop not null", f"update marts.{MART} set day = null"
    )
    assert found["not_null__day"] is True


def test_a_failed_contract_shows_the_rows_that_break_it(check: Check) -> None:
    results = check(f"insert into marts.{MART} from marts.{MART} where day = date '2024-01-01'")
    (reported,) = checks.as_asset_checks(results)
    assert not reported.passed
    shown = reported.metadata["unique_key: failing rows"].value
    assert shown.splitlines()[0] == r"| asset\_id | day |"
    assert shown.splitlines()[2:] == ["| bitcoin | 2024-01-01 |"] * 2


def test_a_check_that_holds_shows_no_rows(check: Check) -> None:
    (reported,) = checks.as_asset_checks(check())
    assert reported.passed
    assert not [name for name in reported.metadata if "failing rows" in name]


def test_a_coin_without_price_or_fresh_reference_breaks_no_rule() -> None:
    suite = "stablecoin_peg_daily_quality_suite"
    (test,) = (node for node in dbt_project.manifest()["nodes"].values() if node["name"] == suite)
    rules = test["test_metadata"]["kwargs"]["rules"]
    (contract,) = (
        one for one in dbt_project.contracts() if one.mart == suite.removesuffix("_quality_suite")
    )
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute(table(contract))
        connection.execute(
            f"insert into marts.{contract.mart} "
            "(stablecoin_id, day, price_quality, ref_price_usd, ref_age_h, reading_count, "
            "as_of_ts, model_version) "
            "values ('vnx-gold', date '2026-10-31', 'missing', 3086.16, 57, 0, now(), 'a')"
        )
        held = {
            rule: connection.execute(f"select {is_kept} from marts.{contract.mart}").fetchone()
            for rule, is_kept in rules.items()
        }
    assert held == dict.fromkeys(rules, (True,))
