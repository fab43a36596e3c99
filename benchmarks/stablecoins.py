"""Seconds and peak memory of the stablecoin marts at 400 coins, 120 chains and 5 years.

    python -m benchmarks.stablecoins [--coins 400] [--chains 120] [--days 1826] [--folder DIR]

The lake is written as the pipeline writes it, without going through HTTP; then one `dbt build`
makes the stablecoin marts and what they rest on from nothing. The largest coin is on every chain,
the others on fewer, as in reality: 206 coins recorded in 2024 were on 3.9 of 121 chains each, here
it is twice that.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipelines import sources
from pipelines.tables import EXTRACTION, QUARANTINE, Table

REPO = Path(__file__).resolve().parents[1]
SOURCE = "defillama_stablecoins"
LOAD = "1700000000.0"
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
SELECTED = (
    "+stablecoin_supply_daily +stablecoin_chain_daily +stablecoin_market_daily "
    "+stablecoin_milestone +stablecoin_risk_card"
)
# the coin of rank r is on chains / r^THINNING chains
THINNING = 0.6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stablecoins", description=__doc__)
    parser.add_argument("--coins", type=int, default=400)
    parser.add_argument("--chains", type=int, default=120)
    parser.add_argument("--days", type=int, default=1826)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        rows = write_lake(folder, asked.coins, asked.chains, asked.days)
        seconds, peak = build(folder)
    print(f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{rows:,} rows of supply; {seconds:.0f} s, peak {peak:,.0f} MiB")


def write_lake(folder: Path, coins: int, chains: int, days: int) -> int:
    """Write coins, supplies and prices as one load; return the rows of supply."""
    last = NOW.date() - timedelta(days=1)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(
        f"""
        create table coin as
        select n, 'c' || n as gecko_id,
            greatest(1, cast(round({chains} / pow(n, {THINNING})) as integer)) as chain_count
        from range(1, {coins} + 1) as r(n);
        create table day as
        select d, (timestamptz '{last} 00:00:00+00' - to_days(cast({days} - 1 - d as integer)))
            as day_time
        from range({days}) as r(d);
        create table pair as
        select n, unnest(range(1, chain_count + 1)) as chain_number from coin;
        create table supply as
        select pair.n, pair.chain_number, day.day_time,
            round(1e11 / pow(pair.n, 1.4) / pow(pair.chain_number, 1.5)
            * (1 + day.d / {days} + 0.002 * sin(day.d * (1 + pair.n % 7))), 6) as circulating
        from pair cross join day
        """
    )
    stamp = f"timestamptz '{NOW.isoformat()}' as fetched_at, '{LOAD}' as _dlt_load_id"
    tables = {table.name: table for table in (*sources.tables(SOURCE), EXTRACTION, QUARANTINE)}
    queries = {
        "stablecoins": (
            "select cast(1000 + n as varchar) as stablecoin_id, 'Coin ' || n as name, "
            "'C' || n as symbol, gecko_id, 'peggedUSD' as peg_type, "
            "'fiat-backed' as peg_mechanism, false as is_delisted, "
            "false as is_yield_bearing from coin"
        ),
        "balances": (
            "select cast(1000 + n as varchar) as stablecoin_id, 'Chain ' || chain_number as chain, "
            "day_time, circulating, circulating as minted from supply union all by name "
            "select cast(1000 + n as varchar) as stablecoin_id, '__total__' as chain, day_time, "
            "sum(circulating) as circulating, sum(circulating) as minted from supply "
            "group by n, day_time"
        ),
        "prices": (
            "select coin.gecko_id, day.day_time, 1 + 0.0005 * sin(day.d + coin.n) as price "
            "from coin cross join day"
        ),
        "extraction": (
            f"select 'stablecoins' as table_name, '*' as entity_id, 'ok' as status, "
            f"1 as request_count, 0 as retry_count, 0 as throttle_count, {coins} as rows_landed, "
            "0 as rows_quarantined, 0 as byte_count, 0.0 as duration_s, 'benchmark' as run_id"
        ),
    }
    lines = []
    for name, query in queries.items():
        path = f"raw/{SOURCE}/{name}/load_date={NOW.date()}/{LOAD}.parquet"
        target = folder / "lake" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"copy (select {_typed(tables[name], connection, query)}, {stamp} from ({query})) "
            f"to '{target}' (format parquet)"
        )
        (count,) = connection.sql(f"select count(*) from '{target}'").fetchone() or (0,)
        lines.append((SOURCE, name, LOAD, path, NOW, NOW, count, target.stat().st_size))
    connection.execute(
        "create table catalog (source text, table_name text, load_id text, path text, "
        "completed_at timestamptz, fetched_at timestamptz, row_count bigint, byte_count bigint)"
    )
    connection.executemany("insert into catalog values (?, ?, ?, ?, ?, ?, ?, ?)", lines)
    connection.execute(f"copy catalog to '{folder}/lake/catalog.parquet' (format parquet)")
    return next(int(line[6]) for line in lines if line[1] == "balances")


def _typed(table: Table, connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the table's columns in its types; NULL where the query has none."""
    types = {"text": "text", "decimal": "decimal(38, 18)", "integer": "bigint"}
    types |= {"double": "double", "boolean": "boolean", "timestamp": "timestamptz"}
    there = set(connection.sql(query).columns)
    return ", ".join(
        f"cast({column.name if column.name in there else 'null'} as {types[column.kind]}) "
        f"as {column.name}"
        for column in table.columns
        if column.name != "fetched_at"
    )


def build(folder: Path) -> tuple[float, float]:
    """Build the marts in a process of its own; return its seconds and peak memory in MiB."""
    target = str(folder / "dbt")
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--quiet", "run", "--threads", "2", "--project-dir", str(REPO / "dbt")]
    command += ["--profiles-dir", str(REPO / "dbt"), "--select", *SELECTED.split()]
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPO),
        "TOKENMART_DATA_DIR": str(folder),
        "DBT_TARGET_PATH": target,
        "DBT_LOG_PATH": target,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    seed = [str(dbt), "--quiet", "seed", "--project-dir", str(REPO / "dbt")]
    seed += ["--profiles-dir", str(REPO / "dbt")]
    subprocess.run(seed, env=environment, check=True)
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("dbt failed; its output says why")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
