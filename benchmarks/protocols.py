"""Seconds and peak memory of the DeFi marts at 3,000 protocols and 5 years.

    python -m benchmarks.protocols [--protocols 3000] [--days 1826] [--folder DIR]

The lake is written as the pipeline writes it, without going through HTTP; then one `dbt run` makes
the marts of protocols and chains and what they rest on from nothing. All protocols live for the
whole window, which is more than reality has; two in three are on one chain, the others on up to
eight. One in three has fees and revenue, one in six volume, one in two says which tokens it holds:
about as many as DefiLlama's own lists say.
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

SOURCE = "defillama"
SELECTED = "+protocol_fundamentals_daily +protocol_growth_daily +chain_daily +dim_protocol"
CHAINS = 60
_CATEGORIES = "['Dexs', 'Lending', 'Yield', 'CDP', 'Derivatives', 'Bridge']"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protocols", description=__doc__)
    parser.add_argument("--protocols", type=int, default=3000)
    parser.add_argument("--days", type=int, default=1826)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        rows = write(folder, asked.protocols, asked.days)
        built = build(folder, SELECTED)
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            (made,) = connection.sql(
                "select count(*) from marts.protocol_fundamentals_daily"
            ).fetchone() or (0,)
    print(f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    landed = ", ".join(f"{count:,} of {name}" for name, count in rows.items() if count > 100_000)
    print(f"rows landed: {landed}")
    print(f"rows of protocol_fundamentals_daily: {made:,}; {built}")


def write(folder: Path, protocols: int, days: int) -> dict[str, int]:
    """Write protocols, what they hold and what they earn as one load; return rows by table."""
    last = NOW.date() - timedelta(days=1)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(
        f"""
        create table protocol as
        select n, 'protocol-' || n as slug,
            case when n % 3 != 0 then 1 else 2 + n % 7 end as chain_count
        from range(1, {protocols} + 1) as r(n);
        create table day as
        select d, (timestamptz '{last} 00:00:00+00' - to_days(cast({days} - 1 - d as integer)))
            as day_time
        from range({days}) as r(d);
        create table place as
        select n, slug, k, 'Chain ' || (n * 7 + k * k) % {CHAINS} as chain
        from (select n, slug, unnest(range(1, chain_count + 1)) as k from protocol)
        qualify row_number() over (partition by n, chain order by k) = 1;
        create table held as
        select place.n, place.slug, place.chain, day.d, day.day_time,
            round(3e9 / pow(place.n, 0.9) / place.k
            * (1 + day.d / {days} + 0.03 * sin(day.d * (1 + place.n % 7))), 2) as tvl
        from place cross join day
        """
    )
    label = "day_time + interval 1 day as label_time"
    flows = " union all by name ".join(
        f"select '{metric}:' || slug as series_id, '{metric}' as metric, slug, chain, "
        f"'V1' as version, day_time, round(tvl * {part} * (1 + 0.3 * sin(d * 1.7 + n)), 2) "
        f"as amount_usd from held where n % {every} = 0"
        for metric, part, every in (
            ("dailyFees", 1e-4, 3),
            ("dailyRevenue", 3e-5, 3),
            ("dailyVolume", 0.1, 6),
        )
    )
    queries = {
        "protocols": (
            "select cast(n as varchar) as protocol_id, slug, 'Protocol ' || n as name, "
            f"{_CATEGORIES}[1 + n % 6] as category, '[]' as chains, 1e6 as tvl_usd, "
            "timestamptz '2019-01-01 00:00:00+00' as listed_at from protocol"
        ),
        "chains": "select distinct chain, 1e9 as tvl_usd from place",
        "protocol_tvl": (
            f"select slug, chain, {label}, tvl as tvl_usd from held union all by name "
            f"select slug, '__total__' as chain, {label}, sum(tvl) as tvl_usd from held "
            "group by slug, day_time"
        ),
        "protocol_tokens": (
            f"select slug, token, {label}, sum(tvl) * part / price as amount, "
            "round(sum(tvl) * part, 2) as value_usd from held, "
            "(values ('WETH', 0.6, 2500.0), ('USDC', 0.4, 1.0)) as t(token, part, price) "
            "where n % 2 = 0 group by slug, token, part, price, day_time"
        ),
        "protocol_metrics": flows,
        "chain_tvl": (
            f"select chain, {label}, sum(tvl) as tvl_usd from held group by chain, day_time"
        ),
    }
    return write_lake(folder, SOURCE, connection, queries)


if __name__ == "__main__":
    main()
