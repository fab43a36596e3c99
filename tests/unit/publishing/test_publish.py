import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock
from pipelines.publishing import build as build_module
from pipelines.publishing import pointer as pointer_module
from pipelines.publishing import publisher as publish_module
from pipelines.publishing.fingerprint import fingerprint

Publish = Callable[..., publishing.Manifest]


def _pointer(settings: Settings) -> Path:
    return settings.published_dir / "tokenmart.duckdb"


def test_manifest_describes_what_was_published(publish: Publish, settings: Settings) -> None:
    manifest = publish()

    price = manifest.mart("price_daily")
    assert (price.rows, price.min_day, price.max_day) == (120, date(2024, 1, 1), date(2024, 2, 29))
    assert price.key == ("asset_id", "day")
    assert manifest.newest_day == date(2024, 2, 29)
    assert manifest.version.startswith("20240302T060000Z-")
    assert (manifest.sequence, manifest.replaces, manifest.run_id) == (1, None, "run")
    stored = json.loads((settings.published_dir / "current.json").read_text())
    assert stored["version"] == manifest.version
    assert publishing.current(settings) == manifest


def test_manifest_says_by_which_code_each_mart_was_built(
    make_warehouse: Callable[..., None], publish: Publish
) -> None:
    make_warehouse(
        "create schema history",
        "create table history.built_mart as select 'price_daily' as mart, 'c0de' as model_version",
    )

    manifest = publish()

    versions = {mart.name: mart.model_version for mart in manifest.marts}
    assert versions["price_daily"] == versions["price_daily_latest"] == "c0de"
    assert versions["dim_asset"] is None


def test_published_file_has_marts_only_and_every_comment(
    publish: Publish, settings: Settings
) -> None:
    publish()

    with warehouse.read(_pointer(settings)) as connection:
        relations = connection.execute(
            """
            select schema_name, table_name, comment from duckdb_tables()
            union all
            select schema_name, view_name, comment from duckdb_views() where not internal
            order by 2
            """
        ).fetchall()
        bare = connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where schema_name = 'marts' and comment is null"
        ).fetchall()
        (comment,) = connection.execute(
            "select comment from duckdb_columns() "
            "where table_name = 'price_daily' and column_name = 'close_usd'"
        ).fetchone() or (None,)
        nullable = dict(
            connection.execute(
                "select column_name, is_nullable from duckdb_columns() "
                "where table_name = 'price_daily'"
            ).fetchall()
        )
    assert [name for schema, name, _ in relations if schema == "marts"] == [
        "dim_asset",
        "meta_metric_catalog",
        "ops_check_result",
        "outside",
        "pair_daily",
        "pair_daily_latest",
        "price_daily",
        "price_daily_latest",
        "price_latest",
    ]
    assert {schema for schema, _, _ in relations} == {"marts"}
    assert bare == []
    assert comment == "what close_usd's value says"
    assert nullable["asset_id"] is False, "the contract's NOT NULL is lost"
    assert nullable["close_usd"] is True


def test_view_is_published_as_a_table(publish: Publish, settings: Settings) -> None:
    """What a reader sees depends on nothing of the reader's, such as his session's time zone."""
    manifest = publish()

    assert manifest.mart("price_latest").kind == "table"
    assert manifest.mart("outside").kind == "table"
    with warehouse.read(_pointer(settings)) as connection:
        rows = connection.execute("select count(*) from marts.price_latest").fetchone()
    assert rows == (2,)


def test_instants_are_timestamps_in_utc_whatever_the_readers_zone(
    publish: Publish, settings: Settings
) -> None:
    manifest = publish()

    with duckdb.connect(str(_pointer(settings)), read_only=True) as connection:
        connection.execute("set timezone = 'Asia/Tokyo'")
        zoned = connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where schema_name = 'marts' and data_type = 'TIMESTAMP WITH TIME ZONE'"
        ).fetchall()
        instants = connection.execute("select distinct as_of_ts from marts.price_daily").fetchall()
        (comment,) = connection.execute(
            "select comment from duckdb_columns() "
            "where table_name = 'price_daily' and column_name = 'as_of_ts'"
        ).fetchone() or ("",)
    assert zoned == [], "clients without pytz cannot fetch these"
    assert instants == [(datetime(2024, 3, 2, 6),)]  # noqa: DTZ001
    assert comment == "what as_of_ts's value says\n- zone: UTC"
    copy = pl.read_parquet(
        settings.published_dir / manifest.version / manifest.mart("price_daily").parquet
    )
    assert copy.schema["as_of_ts"] == pl.Datetime("us")


_BARE_CLIENT = """
import sys
sys.modules["pytz"] = None
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
marts = connection.execute("select table_name from information_schema.tables").fetchall()
for (mart,) in marts:
    connection.execute(f"from marts.{mart}").fetchall()
print(len(marts))
"""


def test_client_with_nothing_but_duckdb_fetches_every_mart(
    publish: Publish, settings: Settings
) -> None:
    manifest = publish()

    done = subprocess.run(
        [sys.executable, "-c", _BARE_CLIENT, str(_pointer(settings))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(manifest.marts)


def test_ids_have_their_symbol_and_name_beside_them(publish: Publish, settings: Settings) -> None:
    publish()

    with warehouse.read(_pointer(settings)) as connection:
        price = connection.execute("from marts.price_daily order by day, asset_id").fetchdf()
        pairs = connection.execute("from marts.pair_daily order by day").fetchall()
        pair_columns = [column[0] for column in connection.description or ()]
    assert list(price.columns[:4]) == ["asset_id", "symbol", "name", "day"]
    assert price.iloc[0][["asset_id", "symbol", "name"]].tolist() == ["btc", "BTC", "Bitcoin"]
    assert pair_columns == [
        *("a_id", "a_symbol", "a_name"),
        *("b_id", "b_symbol", "b_name"),
        "day",
    ]
    # what no dimension knows keeps its row
    assert [row[:6] for row in pairs] == [
        ("btc", "BTC", "Bitcoin", "eth", "ETH", "Ethereum"),
        ("btc", "BTC", "Bitcoin", "new", None, None),
    ]


def test_two_names_for_one_id_are_refused(
    publish: Publish, settings: Settings, make_warehouse: Callable[..., None]
) -> None:
    make_warehouse("insert into marts.dim_asset values ('btc', 'XBT', 'Bitcoin')")

    with pytest.raises(
        publishing.PublishError, match="price_daily has 180 rows, the warehouse 120"
    ):
        publish()
    assert publishing.current(settings) is None


def test_mart_of_days_has_a_view_of_its_newest_day(publish: Publish, settings: Settings) -> None:
    manifest = publish()

    assert {mart.name for mart in manifest.marts if mart.kind == "view"} == {
        "pair_daily_latest",
        "price_daily_latest",
    }
    newest = manifest.mart("price_daily_latest")
    assert (newest.rows, newest.min_day, newest.key) == (2, date(2024, 2, 29), ("asset_id", "day"))
    assert newest.columns == manifest.mart("price_daily").columns
    assert manifest.rows == sum(mart.rows for mart in manifest.marts if mart.kind == "table")


def test_catalogue_says_what_is_published(publish: Publish, settings: Settings) -> None:
    publish()

    with warehouse.read(_pointer(settings)) as connection:
        reported = connection.execute(
            "select mart, column_name, column_position, data_type, column_source, schema_version "
            "from marts.meta_metric_catalog order by all"
        ).fetchall()
    assert reported == [
        ("pair_daily", "a_id", 1, "varchar", "", 1),
        ("pair_daily", "a_name", 3, "varchar", "dim_asset", 1),
        ("pair_daily", "a_symbol", 2, "varchar", "dim_asset", 1),
        ("pair_daily", "b_name", 6, "varchar", "dim_asset", 1),
        ("pair_daily", "b_symbol", 5, "varchar", "dim_asset", 1),
        ("price_daily", "as_of_ts", 7, "timestamp", "", 1),
        ("price_daily", "asset_id", 1, "varchar", "", 1),
        ("price_daily", "name", 3, "varchar", "dim_asset", 1),
        ("price_daily", "symbol", 2, "varchar", "dim_asset", 1),
    ]


def test_parquet_copies_hold_the_same_rows(publish: Publish, settings: Settings) -> None:
    manifest = publish()

    folder = settings.published_dir / manifest.version
    for mart in manifest.marts:
        assert pl.read_parquet(folder / mart.parquet).height == mart.rows, mart.name
    price = pl.read_parquet(folder / manifest.mart("price_daily").parquet)
    assert price.select("asset_id", "day").rows() == sorted(price.select("asset_id", "day").rows())


def test_file_is_closed_read_only_and_opens_by_the_pointer(
    publish: Publish, settings: Settings
) -> None:
    manifest = publish()

    folder = settings.published_dir / manifest.version
    database = folder / "tokenmart.duckdb"
    assert not list(folder.rglob("*.wal"))
    assert not database.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    whole = settings.published_dir / manifest.version / "tokenmart.duckdb"
    assert _pointer(settings).resolve() == whole.resolve()


def test_same_content_gives_same_hashes_in_any_row_order_and_at_another_time(
    publish: Publish, make_warehouse: Callable[..., None]
) -> None:
    first = publish(run_id="one")
    make_warehouse(
        "create or replace table marts.price_daily as select * replace (as_of_ts + interval 1 day "
        "as as_of_ts) from marts.price_daily order by close_usd desc, asset_id",
    )
    second = publish(run_id="two")

    assert first.content_hash == second.content_hash
    assert {
        mart.name: mart.content_hash for mart in first.marts if mart.name != "ops_check_result"
    } == {mart.name: mart.content_hash for mart in second.marts if mart.name != "ops_check_result"}


@pytest.mark.parametrize(
    "change",
    [
        "update marts.price_daily set close_usd = close_usd + 1e-12 where day = '2024-01-01'",
        "update marts.price_daily set close_usd = null where day = '2024-01-01'",
        "delete from marts.price_daily where asset_id = 'btc' and day = '2024-01-01'",
        "update marts.price_daily set supply_native = 1.000000000000000002 where asset_id = 'eth'",
        "insert into marts.price_daily from marts.price_daily where day = '2024-01-01'",
        "alter table marts.price_daily add column note varchar",
    ],
)
def test_any_change_changes_the_hash(
    publish: Publish, make_warehouse: Callable[..., None], change: str
) -> None:
    first = publish()
    make_warehouse(change)
    second = publish()

    assert first.mart("price_daily").content_hash != second.mart("price_daily").content_hash
    assert first.content_hash != second.content_hash
    assert first.mart("dim_asset").content_hash == second.mart("dim_asset").content_hash


def test_fingerprint_tells_null_from_empty_text_and_columns_apart() -> None:
    with warehouse.memory() as connection:
        hashes = set()
        for rows in ("('', null)", "(null, '')", "('ab', 'c')", "('a', 'bc')"):
            connection.execute(f"create or replace table t as from (values {rows}) as v (x, y)")
            kinds = {"x": "VARCHAR", "y": "VARCHAR"}
            hashes.add(fingerprint(connection, "t", kinds).content_hash)
    assert len(hashes) == 4


def test_results_of_the_run_are_in_the_published_file(
    publish: Publish, settings: Settings, result: Callable[..., object]
) -> None:
    manifest = publish([result(), result(check_name="sizes", is_passed=False, severity="warn")])

    with warehouse.read(_pointer(settings)) as connection:
        rows = connection.execute(
            "select run_id, check_name, is_passed, failed_row_count, detail "
            "from marts.ops_check_result order by 1, 2"
        ).fetchall()
    assert rows == [
        ("earlier", "unique", True, 0, ""),
        ("run", "closes_agree", True, 0, ""),
        ("run", "sizes", False, 2, "btc 2024-01-04: close_usd 1.0 instead of 2.0"),
    ]
    assert (manifest.checks.total, manifest.checks.passed, manifest.checks.warned) == (2, 1, 1)
    assert manifest.checks.warnings[0].detail.startswith("btc 2024-01-04")


def test_what_the_build_refused_is_published_beside_the_results_of_its_run(
    publish: Publish, settings: Settings, result: Callable[..., object]
) -> None:
    """Twice the same result is once in it; another of the same run, which dbt wrote, stays."""
    publish([result()])
    with warehouse.write(settings.warehouse_path) as connection:
        for name in ("closes_agree", "price_jump_gate"):
            connection.execute(
                "insert into marts.ops_check_result "
                "values ('run', now(), 'invariant', ?, 'price_daily', 'warn', true, 0, '')",
                [name],
            )
    publish([result()])

    with warehouse.read(_pointer(settings)) as connection:
        rows = connection.execute(
            "select run_id, check_name, severity from marts.ops_check_result order by all"
        ).fetchall()
    assert rows == [
        ("earlier", "unique", "block"),
        ("run", "closes_agree", "block"),
        ("run", "price_jump_gate", "warn"),
    ]


def test_failed_blocking_check_refuses_and_says_which_rows(
    publish: Publish, settings: Settings, result: Callable[..., object]
) -> None:
    first = publish()

    with pytest.raises(publishing.GateFailed, match=r"closes_agree.*btc 2024-01-04"):
        publish([result(is_passed=False)])
    assert publishing.current(settings) == first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "drop view marts.price_latest; drop table marts.price_daily",
            "lacks the marts price_daily",
        ),
        ("delete from marts.dim_asset", "dim_asset is empty"),
    ],
)
def test_missing_or_empty_required_mart_is_refused(
    publish: Publish,
    settings: Settings,
    make_warehouse: Callable[..., None],
    change: str,
    message: str,
) -> None:
    first = publish()
    make_warehouse(change)

    with pytest.raises(publishing.PublishError, match=message):
        publish()
    assert publishing.current(settings) == first


def test_undescribed_column_is_refused(
    publish: Publish, settings: Settings, make_warehouse: Callable[..., None]
) -> None:
    make_warehouse()
    with warehouse.write(settings.warehouse_path) as connection:
        connection.execute("comment on column marts.price_daily.close_usd is null")

    with pytest.raises(publishing.PublishError, match=r"price_daily has columns .* close_usd"):
        publish()
    assert publishing.current(settings) is None


def test_no_warehouse_is_said_clearly(settings: Settings, now: datetime) -> None:
    with pytest.raises(FileNotFoundError, match="there is no warehouse yet"):
        publishing.publish(settings, FixedClock(now), "run", [], [])


_STEPS = [
    (publish_module, "build"),
    (build_module, "_copy_table"),
    (build_module, "_comment"),
    (build_module, "_append_results"),
    (build_module, "_export"),
    (build_module, "_verify"),
    (publish_module, "combined_hash"),
    (publish_module, "code_revision"),
    (publish_module.Manifest, "save"),
    (publish_module, "_settle"),
    (publish_module, "point_to"),
    (pointer_module, "_lead_through"),
    (pointer_module, "_replace_link"),
    (publish_module, "_prune"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "step"), _STEPS, ids=[step for _, step in _STEPS])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_crash_in_any_step_leaves_a_good_publication(
    publish: Publish,
    settings: Settings,
    make_warehouse: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    step: str,
    is_after: bool,
) -> None:
    first = publish()
    make_warehouse("update marts.price_daily set close_usd = 7")
    original = getattr(owner, step)

    def crash(*args: object, **kwargs: object) -> None:
        if is_after:
            original(*args, **kwargs)
        raise KeyboardInterrupt(step)

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, crash)
        with pytest.raises(KeyboardInterrupt):
            publish(run_id="crashed")

    now_current = publishing.current(settings)
    assert now_current is not None
    with warehouse.read(_pointer(settings)) as connection:
        rows = connection.execute("select count(*) from marts.price_daily").fetchone()
    assert rows == (120,), "the pointer leads to a file that cannot be read"
    was_swapped = step == "_prune" or (step in {"point_to", "_replace_link"} and is_after)
    assert (now_current.version != first.version) is was_swapped
    described = json.loads((settings.published_dir / "current.json").read_text())
    assert described["version"] == now_current.version, "SQL and Parquet users disagree"

    second = publish(run_id="next")
    assert publishing.current(settings) == second
    assert not list(settings.published_dir.glob(".building*")), "leftovers of the crash remain"
    described = json.loads((settings.published_dir / "current.json").read_text())
    assert described["version"] == second.version


_READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    row = connection.execute("select max(close_usd) from marts.price_daily").fetchone()
    print(row[0], flush=True)
"""


def test_reader_with_the_old_file_open_keeps_reading(
    publish: Publish, settings: Settings, make_warehouse: Callable[..., None]
) -> None:
    publish()
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, str(_pointer(settings))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:

        def ask() -> float:
            assert reader.stdin is not None
            assert reader.stdout is not None
            print("?", file=reader.stdin, flush=True)
            return float(reader.stdout.readline())

        before = ask()
        make_warehouse("update marts.price_daily set close_usd = 7")
        for _ in range(settings.keep_publications + 1):
            publish()  # the version that the reader has open is pruned, too
        assert ask() == before
        with warehouse.read(_pointer(settings)) as connection:
            fresh = connection.execute("select max(close_usd) from marts.price_daily").fetchone()
        assert fresh == (7.0,)
    finally:
        reader.stdin.close()
        reader.wait(timeout=20)


def test_last_publications_are_kept_and_older_ones_pruned(
    publish: Publish, settings: Settings
) -> None:
    manifests = [publish() for _ in range(5)]

    kept = [manifest.version for manifest in publishing.publications(settings)]
    assert kept == [manifest.version for manifest in manifests[-3:]]


def test_same_content_at_the_same_instant_gets_a_name_of_its_own(
    publish: Publish, settings: Settings, now: datetime
) -> None:
    first, second = publish(at=now), publish(at=now)

    assert second.version == f"{first.version}-2"
    assert [manifest.sequence for manifest in publishing.publications(settings)] == [1, 2]


def test_rollback_goes_to_what_was_replaced_and_can_be_undone(
    publish: Publish, settings: Settings
) -> None:
    first, second, third = publish(), publish(), publish()

    assert publishing.rollback(settings) == second
    assert publishing.current(settings) == second
    assert publishing.rollback(settings) == first
    assert publishing.rollback(settings, to=third.version) == third
    assert json.loads((settings.published_dir / "current.json").read_text())["sequence"] == 3


def test_rollback_says_what_there_is(publish: Publish, settings: Settings) -> None:
    with pytest.raises(publishing.PublishError, match="nothing is published yet"):
        publishing.rollback(settings)
    first = publish()
    with pytest.raises(publishing.PublishError, match="nothing came before it"):
        publishing.rollback(settings)
    with pytest.raises(
        publishing.PublishError, match=f"no publication 2020.*kept: {first.version}"
    ):
        publishing.rollback(settings, to="2020")


def test_pruning_spares_the_version_rolled_back_to(publish: Publish, settings: Settings) -> None:
    first, *_ = [publish() for _ in range(3)]
    publishing.rollback(settings, to=first.version)
    # a crash between naming the folder and moving the pointer: the old one stays current
    publish_module._prune(settings, publishing.publications(settings)[:1] * 9)
    assert publishing.current(settings) == first


@pytest.mark.parametrize("possible", ["hard link", "copy"])
def test_pointer_without_symbolic_links(
    publish: Publish, settings: Settings, monkeypatch: pytest.MonkeyPatch, possible: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("links are not supported here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    if possible == "copy":
        monkeypatch.setattr(os, "link", refuse)
    first, second = publish(), publish()

    assert not _pointer(settings).is_symlink()
    assert publishing.current(settings) == second
    publishing.rollback(settings)
    assert publishing.current(settings) == first
    publishing.rollback(settings, to=first.version)
    assert not list(settings.published_dir.glob(".*.new"))


def test_diff_counts_keys(
    publish: Publish, settings: Settings, make_warehouse: Callable[..., None]
) -> None:
    first = publish()
    make_warehouse(
        "update marts.price_daily set close_usd = 7 where day in ('2024-02-01', '2024-02-09')",
        "delete from marts.price_daily where day = '2024-01-01' and asset_id = 'btc'",
        "insert into marts.price_daily from (select * replace ('sol' as asset_id) "
        "from marts.price_daily where asset_id = 'eth' limit 5)",
        "alter table marts.price_daily add column note varchar",
        "create table marts.extra as select 1 as id",
    )
    second = publish()

    changes = {
        change.mart: change for change in publishing.diff(settings, first.version, second.version)
    }
    price = changes["price_daily"]
    assert (price.keys_added, price.keys_removed, price.keys_changed) == (5, 1, 4)
    assert (price.rows_before, price.rows_after) == (120, 124)
    assert price.columns_added == ("note",)
    assert not changes["dim_asset"].is_changed
    assert (changes["extra"].rows_before, changes["extra"].rows_after) == (None, 1)
    same = publishing.diff(settings, second.version, second.version)
    assert not any(change.is_changed for change in same)

    said = _said(settings, "diff", first.version)
    assert f"{first.version} → {second.version}" in said
    assert re.search(r"price_daily +120 +124 +5 +1 +4 +\+note", said), said
    assert re.search(r"extra +1\b", said), said
    assert "dim_asset" not in said
    said = _said(settings, "diff", first.version, first.version)
    assert re.search(r"\b(\d+) of \1 marts and views are the same", said), said


def _said(settings: Settings, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "assets", *arguments],
        env={**os.environ, "TOKENMART_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_oldest_supported_client_can_read_the_storage(publish: Publish, settings: Settings) -> None:
    publish()

    with duckdb.connect() as connection:
        connection.execute(f"attach '{_pointer(settings)}' as mart (read_only)")
        tags = connection.execute(
            "select tags from duckdb_databases() where database_name = 'mart'"
        ).fetchone()
    assert tags is not None
    assert tags[0]["storage_version"].startswith("v1.0.0"), tags
