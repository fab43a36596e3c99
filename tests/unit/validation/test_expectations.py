from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.validation.contracts import Column, Contract
from pipelines.validation.expectations import check_contracts
from pipelines.validation.report import CheckResult

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)
CONTRACT = Contract(
    mart="price_daily",
    key=("asset_id", "day"),
    columns={
        "asset_id": Column(kind="varchar"),
        "day": Column(kind="date"),
        "close_usd": Column(kind="double", filled_frac=0.6, median=(0, 10)),
        "n_venues": Column(kind="bigint", median=(1, 100), severity="warn"),
        "price_quality": Column(kind="varchar", contains=("ok",)),
        "known_at": Column(kind="timestamptz", is_nullable=False),
    },
    min_rows=3,
)
ROWS = """
create schema marts;
create table marts.price_daily (
    asset_id varchar,
    day date,
    close_usd double,
    n_venues bigint,
    price_quality varchar,
    known_at timestamptz not null,
    more boolean
);
insert into marts.price_daily values
    ('btc', date '2024-01-01', 1.5, 3, 'ok', timestamptz '2024-01-02 00:00:00+00', true),
    ('btc', date '2024-01-02', null, 0, 'thin', timestamptz '2024-01-03 00:00:00+00', true),
    ('eth', date '2024-01-01', 2.5, 3, 'ok', timestamptz '2024-01-02 00:00:00+00', null);
"""
# enough days for a middle value to be held to its interval
DAYS = """
insert into marts.price_daily
select 'sol', day::date, 2.0, 3, 'ok', day::timestamptz, true
from generate_series(date '2024-01-01', date '2024-02-29', interval 1 day) as series (day)
"""

Check = Callable[..., dict[str, CheckResult]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(*changes: str, contract: Contract = CONTRACT) -> dict[str, CheckResult]:
        settings = Settings(data_dir=tmp_path)
        settings.warehouse_path.unlink(missing_ok=True)
        with warehouse.write(settings.warehouse_path) as connection:
            connection.execute(ROWS)
            for change in changes:
                connection.execute(change)
        results = check_contracts(settings, FixedClock(NOW), "run", [contract])
        return {result.check_name: result for result in results}

    return run


def test_mart_that_keeps_its_contract_passes_every_expectation(check: Check) -> None:
    results = check(DAYS)

    assert sorted(results) == [
        "columns",
        "contains__price_quality",
        "filled__close_usd",
        "median__close_usd",
        "median__n_venues",
        "min_rows",
        "not_null__asset_id",
        "not_null__day",
        "types",
        "unique_key",
    ]
    assert [str(result) for result in results.values() if not result.is_passed] == []
    result = results["unique_key"]
    assert (result.run_id, result.checked_at, result.check_kind) == ("run", NOW, "expectation")


@pytest.mark.parametrize(
    ("change", "name", "rows", "detail"),
    [
        (
            f"{DAYS}; update marts.price_daily set close_usd = null where asset_id != 'btc'",
            "filled__close_usd",
            62,
            "62 rows break 'close_usd filled in 60% of rows', such as asset_id=btc, day=2024-01-02",
        ),
        (
            f"{DAYS}; update marts.price_daily set close_usd = close_usd * 10000",
            "median__close_usd",
            0,
            "the median of close_usd is 20000.0, not in 0 to 10",
        ),
        (
            "insert into marts.price_daily from marts.price_daily where asset_id = 'eth'",
            "unique_key",
            2,
            "2 rows break 'asset_id, day unique', such as asset_id=eth, day=2024-01-01 | asset_i",
        ),
        (
            "update marts.price_daily set asset_id = null where asset_id = 'eth'",
            "not_null__asset_id",
            1,
            "1 rows break 'asset_id not null', such as asset_id=",
        ),
        (
            "update marts.price_daily set price_quality = 'fine'",
            "contains__price_quality",
            0,
            "price_quality lacks ok",
        ),
        (
            "delete from marts.price_daily where asset_id = 'eth'",
            "min_rows",
            0,
            "2 rows, at least 3 expected",
        ),
        (
            "alter table marts.price_daily alter n_venues type integer",
            "types",
            1,
            "1 rows break 'types as promised', such as column_name=n_venues: data_type=INTEGER",
        ),
        (
            "alter table marts.price_daily alter known_at drop not null",
            "types",
            1,
            "1 rows break 'types as promised', such as column_name=known_at: data_type=TIMESTAMP W",
        ),
        (
            "alter table marts.price_daily drop close_usd",
            "columns",
            0,
            "1 promised columns are missing, such as close_usd",
        ),
        (
            "drop table marts.price_daily",
            "columns",
            0,
            "6 promised columns are missing, such as asset_id, close_usd, day",
        ),
    ],
)
def test_broken_promise_says_which_rows_broke_what(
    check: Check, change: str, name: str, rows: int, detail: str
) -> None:
    result = check(change)[name]

    assert not result.is_passed
    assert result.is_blocking
    assert result.failed_row_count == rows
    assert result.detail.startswith(detail)


def test_a_rule_that_only_warns_does_not_block(check: Check) -> None:
    results = check(DAYS, "update marts.price_daily set n_venues = 101")

    assert [r.check_name for r in results.values() if not r.is_passed] == ["median__n_venues"]
    assert not any(result.is_blocking for result in results.values())


def test_at_most_five_examples_are_shown(check: Check) -> None:
    result = check(
        DAYS,
        "insert into marts.price_daily select 'x' || i, date '2024-01-01', null, 1, 'ok', "
        "timestamptz '2024-01-02 00:00:00+00', true from range(1000) as r (i)",
    )["filled__close_usd"]

    assert result.failed_row_count == 1001
    assert result.detail.count("asset_id=") == 5


def test_more_columns_than_promised_are_fine(check: Check) -> None:
    results = check("alter table marts.price_daily add column note varchar")

    assert all(result.is_passed for result in results.values())


def test_empty_mart_is_fine_where_the_contract_allows_it(check: Check) -> None:
    contract = replace(CONTRACT, min_rows=0)

    results = check("delete from marts.price_daily", contract=contract)

    assert [str(result) for result in results.values() if not result.is_passed] == []


def test_nothing_is_said_about_the_middle_of_a_column_without_values(check: Check) -> None:
    results = check(DAYS, "update marts.price_daily set close_usd = null, price_quality = null")

    assert not results["filled__close_usd"].is_passed
    assert "median__close_usd" not in results
    assert "contains__price_quality" not in results


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("median__close_usd", "update marts.price_daily set close_usd = 20000"),
        ("filled__close_usd", "update marts.price_daily set close_usd = null"),
    ],
)
def test_nothing_is_said_about_shares_and_middles_of_a_few_days(
    check: Check, name: str, change: str
) -> None:
    assert name not in check(change)
    assert not check(DAYS, change)[name].is_passed
