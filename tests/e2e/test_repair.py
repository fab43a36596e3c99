"""`tokenmart repair`: a planted gap is found, explained, asked for again, and nothing else is."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from assets import automation
from assets.command import runs
from assets.command.market import morning_after
from pipelines.core import warehouse
from pipelines.core.tables import EXTRACTION
from pipelines.lake.catalog import write_catalog
from pipelines.lake.repair import gap_requests
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sources import SOURCES
from tests.e2e.conftest import END, START, Project
from tests.e2e.test_faults import _IMPATIENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

PRODUCT = "BTC-USD"
BEFORE = END - timedelta(days=10)


def _query(project: Project, sql: str) -> list[tuple[object, ...]]:
    with warehouse.read(project.settings.warehouse_path) as connection:
        return connection.execute(sql).fetchall()


def _loads(project: Project) -> pl.DataFrame:
    return write_catalog(project.settings)


def test_a_planted_gap_is_repaired_and_nothing_else_is_asked_for(
    dataset: Dataset, server: SandboxServer, tmp_path: Path
) -> None:
    # two sources are enough to see that the others are left alone
    off = {
        f"TOKENMART_SOURCES__{source.upper()}__ENABLED": "false"
        for source in set(SOURCES) - {"binance", "coinbase"}
    }
    project = Project(tmp_path / "data", dataset, _IMPATIENT | off)
    early = project.served_by(server, morning_after(BEFORE))
    server.set_clock(morning_after(BEFORE))
    server.set_faults(
        [{"source": "coinbase", "path_prefix": f"/products/{PRODUCT}/candles", "kind": "500"}]
    )
    failed = early.run("backfill", "--from", START.isoformat(), "--to", BEFORE.isoformat())
    assert failed.returncode == 1, failed.stdout
    assert "Failed: extraction\ncoinbase: " in failed.stdout

    server.set_faults([])
    server.set_clock(morning_after(END))
    late = project.served_by(server, morning_after(END))
    done = late.run("daily")
    assert done.returncode == 0, done.stdout

    gaps = _query(
        late,
        "select source, series_id, gap_from, gap_to, reason from marts.ops_gap "
        "where is_repairable and source = 'coinbase' order by all",
    )
    (planted,) = [gap for gap in gaps if gap[1] == PRODUCT and gap[2] <= START]
    assert planted[4] == "own_failure"
    # every other market lacks the days between the two runs that no look-back covered
    assert {gap[4] for gap in gaps} == {"own_failure"}
    warned = _query(
        late,
        "select failed_row_count from marts.ops_check_result "
        "where check_name = 'gap_of_our_own' and not is_passed",
    )
    assert warned, "the build says that we have gaps of our own"
    wanted = gap_requests(late.settings)
    before = _loads(late)

    dry = late.run("repair", "--dry-run")
    assert PRODUCT in dry.stdout
    assert _loads(late).equals(before), "a dry run asks for nothing"

    repaired = late.run("repair")
    assert repaired.returncode == 0, repaired.stdout

    new = _loads(late).join(before, on="path", how="anti")
    assert set(new["source"]) == {request.source for request in wanted}
    log = pl.concat(
        pl.read_parquet(Path(late.settings.lake_dir) / path)
        for path in new.filter(pl.col("table_name") == EXTRACTION.name)["path"]
    )
    asked = {
        (row["table_name"], row["entity_id"], row["window_start"].date(), row["window_end"].date())
        for row in log.filter(pl.col("window_start").is_not_null()).to_dicts()
    }
    expected = {(request.table_name, entity) for request in wanted for entity in request.entities}
    assert {(table, entity) for table, entity, _, _ in asked} == expected
    candles = [window for table, *window in asked if table == "candles" and window[0] == PRODUCT]
    assert min(start for _, start, _ in candles) == planted[2]
    left = _query(late, "select source, series_id from marts.ops_gap where is_repairable")
    assert left == []
    (days,) = _query(
        late,
        "select count(*) from staging.stg_spot__candle "
        f"where venue_id = 'coinbase' and symbol = '{PRODUCT}' "
        f"and day between '{START}' and '{END}'",
    )
    whole = (END - START).days + 1
    assert days[0] in (whole, whole - 1), "at most the market's own outage is missing"

    with runs.open_instance(late.settings) as instance:
        (newest,) = instance.get_runs(limit=1)
    assert newest.job_name == automation.REPAIR_JOB
    assert newest.is_success
    assert newest.run_config["ops"]["extract"]["config"]["gap_requests"]

    again = late.run("repair")
    assert "nothing" in again.stdout
    assert (
        _loads(late)["load_id"].n_unique()
        == new["load_id"].n_unique() + before["load_id"].n_unique()
    )
