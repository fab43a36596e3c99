"""One command from a dataset to published marts, and everything that may follow it."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta

import duckdb
import pytest

from assets.dbt_project import contracts
from pipelines.core import warehouse
from pipelines.publishing import diff, publications
from tests.e2e.conftest import END, START, Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def marts() -> set[str]:
    """Return the names of all marts: each has its contract of publication."""
    return {contract.mart for contract in contracts()}


def test_summary_says_what_was_published(first_output: str, project: Project) -> None:
    assert "Traceback" not in first_output
    assert f"History, once: {START}..{END - timedelta(days=1)}" in first_output
    assert f"Day: {END}" in first_output
    for mart in marts():
        assert mart in first_output
    checks = re.search(r"(\d+) of (\d+) checks passed", first_output)
    assert checks is not None
    assert int(checks[2]) > 200
    assert "tokenmart.duckdb" in first_output
    assert "from marts.price_daily" in first_output
    assert re.search(rf"bitcoin\s+{END}", first_output), "the first query has no answer"


def test_another_process_reads_the_published_file(project: Project) -> None:
    script = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(connection.execute('select count(*), max(day) from marts.price_daily').fetchone())\n"
    )
    pointer = project.settings.published_dir / "tokenmart.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", script, str(pointer)], capture_output=True, text=True
    )

    price = project.current.mart("price_daily")
    assert done.stdout.strip() == f"({price.rows}, {END!r})", done.stderr


def test_manifest_covers_every_mart_and_day(project: Project) -> None:
    manifest = project.current

    latest = {mart.name for mart in manifest.marts if mart.name not in marts()}
    assert marts() <= {mart.name for mart in manifest.marts}
    assert {name.removesuffix("_latest") for name in latest} <= marts(), "a view is of no mart"
    for name in ("price_daily", "ohlcv_daily", "returns_risk_daily", "venue_quality_daily"):
        mart = manifest.mart(name)
        assert (mart.min_day, mart.max_day) == (START, END), name
    assert manifest.published_at == project.dataset.now
    assert set(manifest.checks.by_kind) == {"dbt", "expectation", "invariant", "schema"}
    assert manifest.checks.passed == manifest.checks.total - manifest.checks.warned


def test_results_of_the_run_are_published_with_it(project: Project) -> None:
    with warehouse.read(project.settings.published_dir / "tokenmart.duckdb") as connection:
        kinds = connection.execute(
            "select check_kind, count(*) from marts.ops_check_result where run_id = ? "
            "group by all order by all",
            [project.current.run_id],
        ).fetchall()
    reported, counted = dict(kinds), project.current.checks.by_kind
    # beside dbt's tests the build tells what it refused by itself, which is no check that can fail
    assert reported.pop("dbt") > counted["dbt"]
    assert reported == {kind: number for kind, number in counted.items() if kind != "dbt"}


def test_status_says_how_things_stand(project: Project) -> None:
    done = project.run("status", "--json")

    found = json.loads(done.stdout)
    assert found["publication"] == project.current.version
    assert found["newest_day"] == END.isoformat()
    assert (found["last_run"]["job"], found["last_run"]["state"]) == ("daily", "success")
    on = [source for source in found["sources"] if source["enabled"]]
    # the newest instant of a source is one of its newest day, or that day's end
    reached = {date.fromisoformat(source["newest_at"][:10]) for source in on if source["rows"]}
    assert reached <= {END, END + timedelta(days=1)}
    landed = {source["name"] for source in on if source["rows"] > 0}
    assert landed >= {"binance", "coinbase", "kraken", "coinmetrics", "defillama_stablecoins"}


def test_same_day_again_changes_nothing(project: Project) -> None:
    first = project.current

    done = project.daily()

    assert done.returncode == 0, done.stdout
    assert "History" not in done.stdout, "the history was landed a second time"
    second = project.current
    assert second.sequence == first.sequence + 1
    changed = [
        change.mart
        for change in diff(project.settings, first.version, second.version)
        if change.is_changed and not change.mart.startswith("ops_")
    ]
    assert changed == []
    assert second.content_hash == first.content_hash


def test_rebuild_from_the_lake_gives_the_same_marts(project: Project) -> None:
    first = project.current
    with warehouse.write(project.settings.warehouse_path) as connection:
        connection.execute("update marts.price_daily set close_usd = 1")

    rebuilt = project.run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout
    assert project.current == first, "rebuilding published something"

    published = project.run("publish")
    assert published.returncode == 0, published.stdout
    assert project.current.sequence == first.sequence + 1
    assert project.current.content_hash == first.content_hash


def test_failed_gate_keeps_the_last_publication_and_says_which_rows(project: Project) -> None:
    first = project.current
    with warehouse.write(project.settings.warehouse_path) as connection:
        connection.execute(
            "update marts.ohlcv_daily set close_usd = 12345 "
            "where asset_id = 'bitcoin' and day = '2024-02-03'"
        )
        connection.execute(
            "insert into marts.dim_venue from marts.dim_venue where venue_id = 'kraken'"
        )

    done = project.run("publish")

    assert done.returncode == 1
    assert "Failed: the gate" in done.stdout
    assert "bars_agree_with_prices" in done.stdout
    assert "asset_id=bitcoin, day=2024-02-03" in done.stdout
    assert "dim_venue: unique_key failed" in done.stdout
    assert "venue_id=kraken" in done.stdout
    assert f"The last publication holds: {first.version}" in done.stdout
    assert project.current == first

    stood = json.loads(project.run("status", "--json").stdout)
    assert {check["name"] for check in stood["failing_checks"]} >= {
        "bars_agree_with_prices",
        "unique_key",
    }
    assert stood["last_run"]["state"] == "failure"


def test_rollback_and_back(project: Project) -> None:
    first = project.current
    assert project.run("publish").returncode == 0
    second = project.current

    back = project.run("rollback")
    assert first.version in back.stdout
    assert project.current == first

    forth = project.run("rollback", "--to", second.version)
    assert forth.returncode == 0
    assert project.current == second
    assert [manifest.version for manifest in publications(project.settings)] == [
        first.version,
        second.version,
    ]


def test_backfill_of_a_range_is_one_run_and_changes_nothing_that_was_known(
    project: Project,
) -> None:
    first = project.current

    done = project.run(
        "backfill", "--dataset", str(project.dataset.path),
        "--from", "2024-02-01", "--to", "2024-02-20",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert "Backfill: 2024-02-01..2024-02-20" in done.stdout
    assert done.stdout.count("Build the warehouse with dbt:") == 1
    assert project.current.content_hash == first.content_hash


def test_replay_walks_day_by_day_and_keeps_what_was_known_when(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fresh = Project(tmp_path_factory.mktemp("replay") / "data", project.dataset)
    first_day, last_day = END - timedelta(days=1), END

    done = fresh.run(
        "backfill", "--replay", "--dataset", str(project.dataset.path),
        "--from", first_day.isoformat(), "--to", last_day.isoformat(),
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert f"History, once: {START}..{first_day - timedelta(days=1)}" in done.stdout
    published = publications(fresh.settings)
    assert [manifest.newest_day for manifest in published] == [first_day, last_day]
    with warehouse.read(fresh.settings.warehouse_path) as connection:
        instants = connection.execute(
            "select distinct known_at from history.hist_binance__kline order by 1"
        ).fetchall()
    assert [instant.date() for (instant,) in instants] == [
        first_day,
        first_day + timedelta(days=1),
        last_day + timedelta(days=1),
    ]
    assert published[-1].mart("price_daily").rows == project.current.mart("price_daily").rows


def test_replay_over_a_lake_that_knows_more_is_refused(project: Project) -> None:
    before = project.current.version

    done = project.run(
        "backfill", "--replay", "--dataset", str(project.dataset.path),
        "--from", (END - timedelta(days=2)).isoformat(), "--to", END.isoformat(),
    )  # fmt: skip

    assert done.returncode == 1
    assert "A replay wants a data folder of its own" in " ".join(done.stdout.split())
    assert project.current.version == before


def test_working_file_is_not_the_published_one(project: Project) -> None:
    with warehouse.write(project.settings.warehouse_path):
        pointer = project.settings.published_dir / "tokenmart.duckdb"
        with duckdb.connect(str(pointer), read_only=True) as reader:
            rows = reader.execute("select count(*) from marts.price_daily").fetchone()
    assert rows == (project.current.mart("price_daily").rows,)
