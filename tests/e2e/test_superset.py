"""Superset with the dashboards, started and asked by its own interface, against the published file.

`make test-superset` makes its environment; without it there is nothing to run.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import psutil
import pytest
import requests

from pipelines.core.settings import REPO_DIR
from scripts import superset
from scripts.superset_dashboards import CHARTS, DASHBOARDS, bundle
from tests.unit.site.conftest import published

SCRIPT = REPO_DIR / "scripts" / "superset.py"
# what a chart says, by the file itself; a day's newest value is the last
MEANT = {
    "Market cap": "select total_mcap_usd from marts.market_regime_daily order by day",
    "Bitcoin and ether": """
        select close_usd from marts.price_daily
        where asset_id in ('bitcoin', 'ethereum') order by day
    """,
    "Grades": "select trader_grade from marts.screener_latest where trader_grade is not null",
    "Narrative rotation": "select rs_ratio from marts.narrative_daily_latest",
    "Alerts": "select message from marts.alert order by event_seq desc limit 12",
    "Signal changes": """
        select trader_grade from marts.signal_event order by event_seq desc limit 12
    """,
    "Supply by coin": "select supply_par_usd from marts.stablecoin_supply_daily",
    "Supply by chain": """
        select sum(supply_par_usd) from marts.stablecoin_chain_daily_latest group by chain
    """,
    "Distance from the peg": """
        select dev_bps from marts.stablecoin_peg_daily where ref_source = 'definition'
    """,
    "Broken pegs": "select worst_bps from marts.depeg_event",
}
COLUMN = {
    "Market cap": "market cap",
    "Bitcoin and ether": "close",
    "Grades": "trader_grade",
    "Narrative rotation": "relative strength",
    "Alerts": "message",
    "Signal changes": "trader_grade",
    "Supply by coin": "supply",
    "Supply by chain": "supply",
    "Distance from the peg": "bps",
    "Broken pegs": "worst_bps",
}
ROWS = """
insert into marts.market_regime_daily by name
select
    date '2024-01-31' + i::integer as day, {base} * 1e10 + i as total_mcap_usd,
    0.5 as btc_dominance_frac, 0.2 as eth_dominance_frac, 0.1 as stablecoin_share_frac,
    44.0 as altseason_index, 0.3 as breadth_above_sma50, 'bear' as regime, 0.01 as market_ret_1d
from range(30) as days (i);
insert into marts.price_daily by name
select asset_id, symbol, date '2024-01-31' + i::integer as day, {base} + i as close_usd
from (values ('bitcoin', 'BTC'), ('ethereum', 'ETH'), ('other', 'OTH')) as a (asset_id, symbol),
    range(30) as days (i);
insert into marts.narrative_daily by name
select 'n-' || i as narrative_id, date '2024-02-29' as day, {base} + i as rs_ratio,
    100.0 as rs_momentum, 'leading' as quadrant, 1e9 as mcap_usd
from range(5) as narratives (i);
insert into marts.screener_latest by name
select asset_id, symbol, date '2024-02-29' as day, {base} / 2 as trader_grade, 1 as grade_rank
from marts.dim_asset;
insert into marts.signal_event by name
select 'e-' || i as event_id, i as event_seq, 'BTC' as symbol, date '2024-02-01' as day,
    {base} / 2 + i as trader_grade, 0 as from_signal, 1 as to_signal
from range(20) as events (i);
insert into marts.alert by name
select 'a-' || i as alert_id, i as event_seq, date '2024-02-01' as day, 'info' as severity,
    'event ' || i || ' of {base}' as message
from range(20) as alerts (i);
insert into marts.stablecoin_market_daily by name
select day, {base} as total_supply_par_usd, 1.0 as net_mint_30d_usd, 2.0 as ssr, 0.5 as hhi_issuer
from marts.market_regime_daily;
insert into marts.stablecoin_supply_daily by name
select 'coin' as stablecoin_id, 'COIN' as symbol, day, {base} * 1e6 as supply_par_usd
from marts.market_regime_daily;
insert into marts.stablecoin_chain_daily by name
select 'coin' as stablecoin_id, 'chain-' || i as chain, date '2024-02-29' as day,
    {base} * (i + 1) as supply_par_usd
from range(3) as chains (i);
insert into marts.stablecoin_peg_daily by name
select 'coin' as stablecoin_id, 'COIN' as symbol, day, {base} / 10 as dev_bps, 1.0 as price_usd,
    'definition' as ref_source, 'ok' as price_quality
from marts.market_regime_daily;
insert into marts.depeg_event by name
select 'd' as event_id, 'COIN' as symbol, date '2024-02-01' as start_day, -{base} as worst_bps;
insert into marts.stablecoin_milestone by name
select 'coin' as stablecoin_id, 'COIN' as symbol, 1e9 as threshold_usd,
    date '2024-02-01' as known_from_day;
insert into marts.stablecoin_risk_card by name
select 'coin' as stablecoin_id, 'COIN' as symbol, {base} as supply_par_usd;
insert into marts.meta_metric_catalog by name
select 'price_daily' as mart, 'close_usd' as column_name, 'USD' as unit;
comment on table marts.price_daily is 'One row per asset and day.';
comment on column marts.price_daily.close_usd is 'Price at the end of the day.';
"""


class Running(NamedTuple):
    """A Superset that runs, and what it was given."""

    data_dir: Path
    port: int
    database: Path


def publish(data_dir: Path, base: int) -> None:
    """Make a version beside the others, and move the link to it, as a publication does."""
    folder = data_dir / "published"
    version = folder / str(base)
    shutil.rmtree(version, ignore_errors=True)
    published(version, ROWS.format(base=base))
    link = folder / "next"
    link.symlink_to(f"{base}/tokenmart.duckdb")
    link.replace(folder / "tokenmart.duckdb")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if not (superset.BIN / "superset").exists():
        pytest.skip("Superset is not here: `make test-superset` installs it")
    data_dir = tmp_path_factory.mktemp("superset")
    (data_dir / "published").mkdir()
    publish(data_dir, base=100)
    with socket.socket() as free:
        free.bind((superset.HOST, 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", str(port)],
        env={**os.environ, "TOKENMART_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in (*DASHBOARDS, "user")]
    assert "password" in said[-1], (data_dir / "superset" / "superset.log").read_text()[-2000:]
    yield Running(data_dir, port, data_dir / "published" / "tokenmart.duckdb")
    process.terminate()
    assert process.wait(timeout=60) == 143
    # what it started has ended with it
    with socket.socket() as tried:
        assert tried.connect_ex((superset.HOST, port)) != 0, "gunicorn goes on"


@pytest.fixture(scope="module")
def session(running: Running) -> requests.Session:
    return superset.session(running.data_dir / "superset", running.port)


def listed(session: requests.Session, running: Running, kind: str) -> list[dict[str, Any]]:
    answer = session.get(
        f"http://{superset.HOST}:{running.port}/api/v1/{kind}/",
        params={"q": "(page_size:200)"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.json()["result"]


def data(session: requests.Session, running: Running, name: str) -> dict[str, Any]:
    chart = next(it for it in listed(session, running, "chart") if it["slice_name"] == name)
    answer = session.get(
        f"http://{superset.HOST}:{running.port}/api/v1/chart/{chart['id']}/data/", timeout=60
    )
    assert answer.ok, f"{name}: {answer.text}"
    return answer.json()["result"][0]


def meant(running: Running, name: str) -> list[Any]:
    with duckdb.connect(str(running.database), read_only=True) as connection:
        return sorted(value for (value,) in connection.execute(MEANT[name]).fetchall())


def test_charts_and_dashboards_have_names_of_their_own() -> None:
    assert len({chart.name for chart in CHARTS}) == len(CHARTS)
    assert set(MEANT) == set(COLUMN) <= {chart.name for chart in CHARTS}


def test_charts_ask_for_columns_that_are_published(tmp_path: Path) -> None:
    made = published(tmp_path / "published", "select 1")
    with duckdb.connect(str(made / "tokenmart.duckdb"), read_only=True) as connection:
        for chart in CHARTS:
            there = {
                name for (name, *_) in connection.execute(f"describe marts.{chart.mart}").fetchall()
            }
            asked = {it for it in chart.query["columns"] if isinstance(it, str)}
            asked |= {it for it, _ in chart.query.get("orderby", ()) if isinstance(it, str)}
            assert asked <= there, f"{chart.name}: {asked - there}"
            for it in chart.query.get("metrics", ()):
                connection.execute(f"select {it['sqlExpression']} from marts.{chart.mart}")


def test_a_publication_without_a_mart_has_its_other_charts(tmp_path: Path) -> None:
    made = published(tmp_path / "published", "select 1", without=["depeg_event"])
    with zipfile.ZipFile(io.BytesIO(bundle(made / "tokenmart.duckdb"))) as archive:
        names = archive.namelist()
        stablecoins = archive.read("tokenmart/dashboards/Stablecoins.yaml").decode()
    assert len([name for name in names if name.startswith("tokenmart/charts/")]) == len(CHARTS) - 1
    assert "Broken pegs" not in stablecoins
    assert "Milestones" in stablecoins


@pytest.mark.slow
def test_registered_twice_there_is_everything_once(
    running: Running, session: requests.Session
) -> None:
    before = {
        kind: {it["id"] for it in listed(session, running, kind)}
        for kind in ("database", "dataset", "chart", "dashboard")
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--register", "--port", str(running.port)],
        env={**os.environ, "TOKENMART_DATA_DIR": str(running.data_dir)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    after = {kind: {it["id"] for it in listed(session, running, kind)} for kind in before}
    assert after == before
    assert len(after["database"]) == 1
    assert len(after["chart"]) == len(CHARTS)
    assert len(after["dashboard"]) == len(DASHBOARDS)
    for title, rows in DASHBOARDS.items():
        answer = session.get(
            f"http://{superset.HOST}:{running.port}/api/v1/dashboard/{title.lower()}/charts",
            timeout=60,
        )
        named = {it["slice_name"] for it in answer.json()["result"]}
        assert named == {chart.name for row in rows for chart in row}


@pytest.mark.slow
def test_datasets_and_columns_say_what_they_mean(
    running: Running, session: requests.Session
) -> None:
    listing = listed(session, running, "dataset")
    found = next(it for it in listing if it["table_name"] == "price_daily")
    answer = session.get(
        f"http://{superset.HOST}:{running.port}/api/v1/dataset/{found['id']}", timeout=60
    )
    said = answer.json()["result"]
    assert said["description"] == "One row per asset and day."
    close = next(it for it in said["columns"] if it["column_name"] == "close_usd")
    assert close["description"] == "Price at the end of the day."
    assert "price_daily_latest" in {it["table_name"] for it in listing}


@pytest.mark.slow
def test_every_chart_says_what_is_in_the_file_and_then_in_the_next(
    running: Running, session: requests.Session
) -> None:
    for base in (100, 200):
        publish(running.data_dir, base)
        for chart in CHARTS:
            answer = data(session, running, chart.name)
            assert answer["rowcount"] > 0, f"{chart.name} is empty"
            if chart.name in MEANT:
                shown = sorted(row[COLUMN[chart.name]] for row in answer["data"])
                assert shown == meant(running, chart.name), chart.name
        assert max(row["close"] for row in data(session, running, "Bitcoin and ether")["data"]) == (
            base + 29
        )


@pytest.mark.slow
def test_nothing_can_be_written(running: Running, session: requests.Session) -> None:
    database = listed(session, running, "database")[0]["id"]
    answer = session.post(
        f"http://{superset.HOST}:{running.port}/api/v1/sqllab/execute/",
        json={"database_id": database, "sql": "create table marts.mine as select 1"},
        timeout=60,
    )
    assert not answer.ok
    # and not by the file either, whoever allows it
    with duckdb.connect(str(running.database)) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert ("mine",) not in tables


@pytest.mark.slow
def test_it_keeps_its_secrets_and_listens_here_only(running: Running) -> None:
    for name in ("secret_key", "password"):
        kept = running.data_dir / "superset" / name
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert len(kept.read_text()) >= 42
    ports = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == running.port
    }
    assert ports == {"127.0.0.1"}


@pytest.mark.slow
def test_its_pages_may_fetch_nothing_from_elsewhere(running: Running) -> None:
    answer = requests.get(f"http://{superset.HOST}:{running.port}/login/", timeout=60)
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    for kind in ("img-src", "connect-src"):
        assert "//" not in policy[kind], f"{kind}: {policy[kind]}"
