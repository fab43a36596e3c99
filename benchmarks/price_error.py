"""The canonical price against the generator's true price, with and without the outlier rule.

    python -m benchmarks.price_error [DATA_DIR]

Needs a publication made from a generated dataset (`make daily`). "Without" is the volume-weighted
median of all venues that passed eligibility, rejected ones included, as `venue_quality_daily` has
them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipelines.core import warehouse
from pipelines.core.settings import get_settings

_QUERY = """
with without_rule as (
    select
        asset_id,
        day,
        close_usd,
        sum(volume_usd) over (partition by asset_id, day order by close_usd) as running,
        sum(volume_usd) over (partition by asset_id, day) as total
    from {file}.marts.venue_quality_daily
    where close_usd is not null and (is_accepted or exclusion_reason = 'outlier')
),

naive as (
    select asset_id, day, min(close_usd) as close_usd
    from without_rule
    where running >= total / 2
    group by asset_id, day
),

compared as (
    select
        truth.tag,
        1e4 * abs(price.close_usd / truth.close_usd - 1) as error_bps,
        1e4 * abs(naive.close_usd / truth.close_usd - 1) as naive_bps
    from read_parquet('{truth}') as truth
    inner join {file}.marts.price_daily as price using (asset_id, day)
    left join naive using (asset_id, day)
    where truth.close_usd > 0
)

select
    tag,
    count(*),
    count(error_bps),
    median(error_bps),
    quantile_cont(error_bps, 0.99),
    max(error_bps),
    median(naive_bps),
    quantile_cont(naive_bps, 0.99),
    max(naive_bps)
from compared
group by tag
order by tag = 'ok' desc, tag
"""


def main() -> None:
    settings = get_settings()
    data_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else settings.data_dir
    truth = data_dir / "sandbox" / "default" / "truth" / "price.parquet"
    published = data_dir / "published" / "tokenmart.duckdb"
    with warehouse.memory() as connection:
        connection.execute(f"attach '{published}' as mart (read_only)")
        rows = connection.execute(_QUERY.format(file="mart", truth=truth)).fetchall()
    grid = Table(
        "days", "asset-days", "priced", "median", "p99", "worst", "median", "p99", "worst",
        title="Error in bps: with the outlier rule | without it",
    )  # fmt: skip
    for row in rows:
        grid.add_row(row[0], *(f"{n:,}" for n in row[1:3]), *(_bps(value) for value in row[3:]))
    Console(width=110).print(grid)


def _bps(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


if __name__ == "__main__":
    main()
