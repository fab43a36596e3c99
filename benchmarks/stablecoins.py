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
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from benchmarks.lake import NOW, build, write_lake

SOURCE = "defillama_stablecoins"
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
        rows = write(folder, asked.coins, asked.chains, asked.days)
        built = build(folder, SELECTED)
    print(f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{rows:,} rows of supply; {built}")


def write(folder: Path, coins: int, chains: int, days: int) -> int:
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
    }
    return write_lake(folder, SOURCE, connection, queries)["balances"]


if __name__ == "__main__":
    main()
