"""A small warehouse as dbt would leave it, and a way to publish it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.validation.contracts import Column, Contract
from pipelines.validation.report import CheckResult
from tests.described import describe

NOW = datetime(2024, 3, 2, 6, tzinfo=UTC)
KEYS = {
    "price_daily": ("asset_id", "day"),
    "dim_asset": ("asset_id",),
    "pair_daily": ("a_id", "b_id", "day"),
    "ops_check_result": ("run_id", "check_kind", "check_name", "mart"),
}
MAY_BE_EMPTY = {"pair_daily", "ops_check_result"}
CONTRACTS = tuple(
    Contract(mart, key, {name: Column(kind="varchar") for name in key}, mart not in MAY_BE_EMPTY)
    for mart, key in KEYS.items()
)

_MODELS = """
create schema staging;
create schema marts;
create table staging.secret as select 1 as id;
create table marts.dim_asset (asset_id varchar not null, symbol varchar, name varchar);
insert into marts.dim_asset values ('btc', 'BTC', 'Bitcoin'), ('eth', 'ETH', 'Ethereum');
create table marts.price_daily (
    asset_id varchar not null,
    day date not null,
    close_usd double,
    supply_native decimal(38, 18),
    as_of_ts timestamptz not null
);
insert into marts.price_daily
select
    asset_id,
    date '2024-01-01' + cast(i as integer),
    case when i = 3 then null else 100.0 + i / 3.0 end,
    1.000000000000000001,
    timestamptz '2024-03-02 06:00:00+00'
from (values ('eth'), ('btc')) as assets (asset_id), range(60) as days (i);
create view marts.price_latest as
select asset_id, day, close_usd from warehouse.marts.price_daily
where day = (select max(day) from "warehouse"."marts"."price_daily");
create view marts.outside as select id from staging.secret;
create table marts.pair_daily (a_id varchar not null, b_id varchar not null, day date not null);
insert into marts.pair_daily values ('btc', 'eth', '2024-02-28'), ('btc', 'new', '2024-02-29');
create table marts.meta_metric_catalog as
select mart, column_name, 1::bigint as column_position, data_type, 'none' as unit,
    'none' as formula, 'never' as null_rule, '' as column_source, 'reported' as description,
    1::bigint as schema_version
from (values
    ('price_daily', 'asset_id', 'varchar'),
    ('price_daily', 'as_of_ts', 'timestamptz'),
    ('pair_daily', 'a_id', 'varchar')
) as reported (mart, column_name, data_type);
create table marts.ops_check_result (
    run_id varchar not null,
    checked_at timestamptz not null,
    check_kind varchar not null,
    check_name varchar not null,
    mart varchar not null,
    severity varchar not null,
    is_passed boolean not null,
    failed_row_count bigint not null,
    detail varchar not null
);
insert into marts.ops_check_result
values ('earlier', now(), 'dbt', 'unique', 'price_daily', 'block', true, 0, '');
"""


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", keep_publications=3)


@pytest.fixture
def make_warehouse(settings: Settings) -> Callable[..., None]:
    """Return a function that writes the warehouse, changed by the statements given to it."""

    def make(*changes: str) -> None:
        settings.warehouse_path.unlink(missing_ok=True)
        with warehouse.write(settings.warehouse_path) as connection:
            connection.execute(_MODELS)
            for change in changes:
                connection.execute(change)
            describe(connection)

    return make


@pytest.fixture
def publish(
    settings: Settings, make_warehouse: Callable[..., None]
) -> Callable[..., publishing.Manifest]:
    """Return a function that publishes the warehouse, one minute later each time."""
    minutes = iter(range(1000))

    def run(
        results: Sequence[CheckResult] = (), run_id: str = "run", at: datetime | None = None
    ) -> publishing.Manifest:
        if not settings.warehouse_path.exists():
            make_warehouse()
        clock = FixedClock(at or NOW + timedelta(minutes=next(minutes)))
        return publishing.publish(settings, clock, run_id, results, CONTRACTS)

    return run


@pytest.fixture
def result() -> Callable[..., CheckResult]:
    def make(*, is_passed: bool = True, severity: str = "block", **changes: object) -> CheckResult:
        fields: dict[str, object] = {
            "run_id": "run",
            "checked_at": NOW,
            "check_kind": "invariant",
            "check_name": "closes_agree",
            "mart": "price_daily",
            "failed_row_count": 0 if is_passed else 2,
            "detail": "" if is_passed else "btc 2024-01-04: close_usd 1.0 instead of 2.0",
        }
        return CheckResult(**{**fields, **changes}, is_passed=is_passed, severity=severity)  # type: ignore[arg-type]

    return make
