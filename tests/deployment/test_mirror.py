"""A publication in PostgreSQL: what is published is there, swapped at once, for readers only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.publishing import PublishError, postgres
from tests.deployment.conftest import PASSWORD
from tests.unit.publishing.conftest import make_warehouse, publish

__all__ = ["make_warehouse", "publish"]

pytest.importorskip("duckdb_extension_postgres_scanner", reason="`make extras` installs it")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Publish = Callable[..., publishing.Manifest]
Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def settings(postgres_url: str, tmp_path: Any) -> Settings:
    return Settings(data_dir=tmp_path / "data", mirror_url=SecretStr(postgres_url))


@contextmanager
def connected(settings: Settings) -> Iterator[Any]:
    import psycopg2

    assert settings.mirror_url is not None
    with closing(psycopg2.connect(settings.mirror_url.get_secret_value())) as connection:
        yield connection


@pytest.fixture
def query(settings: Settings) -> Query:
    """Ask the database as another client does."""

    def ask(sql: str, *values: object) -> list[tuple[Any, ...]]:
        with connected(settings) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    return ask


def test_every_row_key_and_comment_is_there(
    publish: Publish, settings: Settings, query: Query
) -> None:
    manifest = publish()
    assert publishing.mirror(settings, manifest) is True

    with warehouse.read(settings.published_dir / "tokenmart.duckdb") as file:
        for entry in manifest.marts:
            order = ", ".join(entry.key or entry.columns)
            published = file.execute(f"from marts.{entry.name} order by {order}").fetchall()
            mirrored = query(f"select * from marts.{entry.name} order by {order}")
            if entry.name == "ops_check_result":  # keys of text are sorted by the locale there
                published, mirrored = sorted(published), sorted(mirrored)
            assert mirrored == published, f"{entry.name} is not what was published"
        comments = dict(
            file.execute(
                "select column_name, comment from duckdb_columns() where table_name = 'price_daily'"
            ).fetchall()
        )
    assert comments == dict(
        query(
            "select attname, col_description(attrelid, attnum) from pg_attribute "
            "where attrelid = 'marts.price_daily'::regclass and attnum > 0"
        )
    )
    assert all(comments.values())
    ((told,),) = query("select obj_description('marts.price_daily_latest'::regclass)")
    assert told.startswith("The newest day of price_daily.")
    ((key,),) = query(
        "select pg_get_constraintdef(oid) from pg_constraint "
        "where conrelid = 'marts.price_daily'::regclass and contype = 'p'"
    )
    assert key == "PRIMARY KEY (asset_id, day)"
    assert query("select obj_description('marts'::regnamespace, 'pg_namespace')") == [
        (manifest.version,)
    ]
    assert publishing.mirror(settings, manifest) is False, "it was there already"


def test_a_new_version_takes_the_name_while_the_old_one_is_read(
    publish: Publish, settings: Settings, make_warehouse: Callable[..., None], query: Query
) -> None:
    first = publish()
    publishing.mirror(settings, first)
    with connected(settings) as reader, reader.cursor("streamed") as rows:
        rows.itersize = 1
        rows.execute("select close_usd from marts.price_daily where close_usd is not null")
        begun = [next(rows)]

        make_warehouse("update marts.price_daily set close_usd = -1")
        second = publish()
        publishing.mirror(settings, second)
        assert query("select distinct close_usd from marts.price_daily") == [(-1.0,)]
        begun += list(rows)
    assert len(begun) == 118
    assert min(close for (close,) in begun) == 100.0, "a query that ran got rows of two versions"

    assert _schemas(query) == ["marts", postgres._schema_of(first.version)]
    make_warehouse("update marts.price_daily set close_usd = -2")
    publishing.mirror(settings, publish())
    assert _schemas(query) == ["marts", postgres._schema_of(second.version)]


def test_an_old_version_that_is_read_stays_until_the_next_time(
    publish: Publish,
    settings: Settings,
    query: Query,
    make_warehouse: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "_LOCK_WAIT", "100ms")
    versions = []
    for close in (1, 2, 3, 4):
        make_warehouse(f"update marts.price_daily set close_usd = {close}")
        versions.append(publish())
    publishing.mirror(settings, versions[0])
    with connected(settings) as reader, reader.cursor() as rows:
        rows.execute("select count(*) from marts.price_daily")
        publishing.mirror(settings, versions[1])
        publishing.mirror(settings, versions[2])
        assert postgres._schema_of(versions[0].version) in _schemas(query)
    publishing.mirror(settings, versions[3])
    assert _schemas(query) == ["marts", postgres._schema_of(versions[2].version)]


def test_who_reads_can_read_and_nothing_else(publish: Publish, settings: Settings) -> None:
    import psycopg2

    publishing.mirror(settings, publish())
    with connected(settings) as connection, connection.cursor() as cursor:
        cursor.execute("create role analyst nologin")
        cursor.execute("grant tokenmart_reader to analyst")
        cursor.execute("set role analyst")
        cursor.execute("select count(*) from marts.price_daily_latest")
        assert cursor.fetchone() == (2,)
        for statement in (
            "delete from marts.dim_asset",
            "update marts.dim_asset set symbol = 'X'",
            "drop table marts.dim_asset",
            "create table marts.mine (x int)",
            "create schema mine",
        ):
            cursor.execute("savepoint before")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            cursor.execute("rollback to before")


def test_a_copy_that_is_not_whole_is_never_read(
    publish: Publish,
    settings: Settings,
    make_warehouse: Callable[..., None],
    query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = publish()
    publishing.mirror(settings, first)
    make_warehouse("update marts.price_daily set close_usd = -1")
    second = publish()
    whole = postgres._load

    def loses_rows(connection: Any, schema: str, manifest: publishing.Manifest) -> None:
        whole(connection, schema, manifest)
        postgres._run(connection, [f"delete from {schema}.price_daily where asset_id = 'btc'"])

    monkeypatch.setattr(postgres, "_load", loses_rows)
    with pytest.raises(PublishError, match=r"price_daily has 60 rows, 120 were published"):
        publishing.mirror(settings, second)
    assert query("select min(close_usd) from marts.price_daily") == [(100.0,)]

    # and what it left is in nobody's way, and goes
    assert postgres._schema_of(second.version) in _schemas(query)
    monkeypatch.setattr(postgres, "_load", whole)
    make_warehouse("update marts.price_daily set close_usd = -2")
    assert publishing.mirror(settings, publish()) is True
    assert _schemas(query) == ["marts", postgres._schema_of(first.version)]
    assert publishing.mirror(settings, second) is True
    assert query("select min(close_usd) from marts.price_daily") == [(-1.0,)]


def test_a_schema_of_somebody_else_is_not_touched(
    publish: Publish, settings: Settings, query: Query
) -> None:
    with connected(settings) as connection, connection.cursor() as cursor:
        cursor.execute("create schema marts")
        cursor.execute("create table marts.mine (x int)")
        connection.commit()
    with pytest.raises(PublishError, match="a schema marts that no publication made"):
        publishing.mirror(settings, publish())
    assert query("select count(*) from marts.mine") == [(0,)]


def test_a_database_that_is_not_there_is_said_without_its_password(
    publish: Publish, settings: Settings, postgres_url: str
) -> None:
    gone = settings.model_copy(
        update={"mirror_url": SecretStr(postgres_url.replace("host=", "host=/nowhere"))}
    )
    with pytest.raises(PublishError, match="TOKENMART_MIRROR_URL") as problem:
        publishing.mirror(gone, publish())
    assert PASSWORD not in str(problem.value)
    assert re.search("nowhere|socket", str(problem.value)), "it does not say what is wrong"


def _schemas(query: Query) -> list[str]:
    found = query("select nspname from pg_namespace where starts_with(nspname, 'marts') order by 1")
    return [name for (name,) in found]
