"""Queries of strangers: what is answered, what is refused, and what an attack cannot take."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from pipelines.core.settings import Settings
from pipelines.serving.keys import KeyRing
from pipelines.serving.sql_worker import Refused, checked

SQL = "/v1/sql"
LIMITS = {"sql": True, "sql_seconds": 2, "sql_memory_mb": 64, "sql_rows": 1_000}


@pytest.fixture
def asker(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> Callable[[str], Any]:
    publish()
    client = client_of(**LIMITS)
    return lambda query: client.post(SQL, json={"query": query})


def test_a_select_is_answered_in_arrow(asker: Callable[[str], Any]) -> None:
    answer = asker(
        "select asset_id, count(*) as days, min(day) as first from marts.price_daily "
        "group by all order by 1"
    )
    assert answer.status_code == 200, answer.text
    frame = pl.read_ipc_stream(answer.content)
    assert frame.select("asset_id", "days").rows() == [("bitcoin", 60), ("ethereum", 60)]
    assert answer.headers["tokenmart-version"]


def test_no_row_is_an_answer_and_many_are_cut_at_the_limit(asker: Callable[[str], Any]) -> None:
    none = pl.read_ipc_stream(asker("from marts.price_daily where false").content)
    assert (none.height, none.columns[0]) == (0, "asset_id")
    assert pl.read_ipc_stream(asker("from range(5000)").content).height == 1_000


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("insert into marts.price_daily from marts.price_daily", "only-select"),
        ("create table x as select 1", "only-select"),
        ("attach 'other.duckdb'", "only-select"),
        ("copy (select 1) to '/tmp/x.csv'", "only-select"),
        ("set threads = 64", "only-select"),
        ("install httpfs", "only-select"),
        ("call duckdb_settings()", "only-select"),
        ("explain analyze select 1", "only-select"),
        ("select 1; drop table marts.price_daily", "one-statement"),
        ("-- nothing", "one-statement"),
        ("pivot marts.dim_asset on name", "one-statement"),
        ("selct 1", "wrong-sql"),
    ],
)
def test_what_is_no_select_on_the_marts_is_refused(query: str, kind: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(query)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("select count(*) from range(1000000000000)", "query-too-long"),
        ("with recursive r as (select 1 as i union all select i from r) from r", "query-too"),
        ("select list(range) from range(100000000)", "query-too-large"),
        ("select length(repeat('x', 4000000000))", "query-too"),
        ("select * from marts.nothing", "wrong-sql"),
        ("select * from '/etc/passwd'", "wrong-sql"),
        ("select * from read_csv('/etc/passwd')", "wrong-sql"),
        ("select * from glob('/*')", "wrong-sql"),
        ("from query('copy (select 1) to ''/tmp/x''')", "wrong-sql"),
    ],
)
def test_an_attack_ends_and_the_service_goes_on(
    asker: Callable[[str], Any], query: str, kind: str
) -> None:
    answer = asker(query)
    assert answer.status_code == 422, answer.text[:200]
    assert answer.json()["type"].startswith(f"/v1/problems/{kind}")
    assert asker("select 1").status_code == 200


def test_queries_beyond_the_limit_are_told_to_come_again(
    publish: Callable[..., Any], client_of: Callable[..., TestClient]
) -> None:
    publish()
    client = client_of(**LIMITS, sql_concurrency=1)
    slow = {"query": "select count(*) from range(1000000000000)"}
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: client.post(SQL, json=slow), range(3)))
    assert sorted(answer.status_code for answer in answers) == [422, 429, 429]
    assert client.post(SQL, json={"query": "select 1"}).status_code == 200, "the place is free"


def test_a_message_names_no_folder(asker: Callable[[str], Any], tmp_path: Path) -> None:
    assert str(tmp_path) not in asker("select * from 'secret.csv'").text


def test_it_is_off_and_wants_its_scope(
    publish: Callable[..., Any], client_of: Callable[..., TestClient], settings: Settings
) -> None:
    publish()
    query = {"query": "select 1"}
    assert client_of().post(SQL, json=query).json()["type"] == "/v1/problems/sql-is-off"
    client = client_of(sql=True, require_keys=True)
    ring = KeyRing(settings.keys_path)
    now = datetime(2024, 3, 2, tzinfo=UTC)
    for scopes, status in {("read",): 403, ("read", "sql"): 200}.items():
        headers = {"X-API-Key": ring.make("a desk", scopes, now)}  # type: ignore[arg-type]
        assert client.post(SQL, json=query, headers=headers).status_code == status
