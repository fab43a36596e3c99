"""Seconds and megabytes of the pages of a large publication.

    python -m benchmarks.site --assets 300 --years 8

The publication has every mart; those that pages show days of are filled for all assets and days.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from pipelines import site
from pipelines.publishing.manifest import DATABASE_NAME
from tests.unit.site.conftest import published

_ROWS = """
insert into marts.dim_asset by name
select 'asset-' || i as asset_id, 'A' || i as symbol, 'Asset ' || i as name
from range({assets}) as numbers (i);
create temp table days as
select date '2024-02-29' - i::integer as day, i, 100 + 10 * sin(i / 20.0) + random() as wave
from range({days}) as numbers (i);
create temp table grid as
select asset_id, symbol, name, day, wave * (1 + random() / 10) as wave
from marts.dim_asset, days where asset_id like 'asset-%';
insert into marts.price_daily by name
select asset_id, symbol, name, day, wave as close_usd, 1e6 * wave as volume_usd, 3 as n_venues,
    'ok' as price_quality from grid;
insert into marts.returns_risk_daily by name
select asset_id, symbol, name, day, 0.01 as ret_1d, wave / 100 - 1.2 as drawdown_frac,
    wave / 200 as vol_30d_ann, wave / 210 as vol_180d_ann from grid;
insert into marts.trader_grade_daily by name
select asset_id, symbol, name, day, wave - 40 as trader_grade from grid;
insert into marts.investor_grade_daily by name
select asset_id, symbol, name, day, 120 - wave as investor_grade from grid;
insert into marts.grade_components by name
select asset_id, symbol, name, day, grade || '_grade' as grade, 'factor_' || f as factor,
    'calm_grade' as factor_group, wave as factor_value, 60.0 as score, 0.1 as weight_frac,
    6.0 as contribution
from grid, (values ('trader'), ('investor')) as grades (grade), range(10) as factors (f)
where day > date '2024-02-29' - 30;
insert into marts.signal_daily by name
select asset_id, symbol, name, day, 1 as signal, 5 as held_d from grid;
insert into marts.signal_performance_daily by name
select asset_id, symbol, name, day, wave / 100 as strat_index, wave / 90 as hold_index from grid;
insert into marts.derivatives_daily by name
select asset_id, symbol, name, day, wave / 1000 - 0.1 as carry_ann_frac, wave * 1e7 as oi_usd
from grid;
insert into marts.valuation_daily by name
select asset_id, symbol, name, day, wave * 1e9 as mcap_usd, wave * 2e9 as fdv_usd,
    wave as pf_circ_x, wave * 3 as ps_circ_x from grid;
insert into marts.screener_latest by name
select asset_id, symbol, name, day, wave as close_usd, wave - 40 as trader_grade,
    1 as signal, wave * 1e9 as mcap_usd, true as is_in_universe from grid
where day = date '2024-02-29';
insert into marts.stablecoin_risk_card by name
select 'coin-' || i as stablecoin_id, 'C' || i as symbol, 'Coin ' || i as name,
    date '2024-02-29' as day, 1e9 as supply_usd from range({coins}) as numbers (i);
insert into marts.stablecoin_supply_daily by name
select stablecoin_id, symbol, name, days.day, wave * 1e9 as supply_usd, wave * 1e9 as supply_par_usd
from marts.stablecoin_risk_card, days;
insert into marts.stablecoin_peg_daily by name
select stablecoin_id, symbol, name, days.day, wave - 100 as dev_bps, wave - 120 as dev_low_bps
from marts.stablecoin_risk_card, days;
insert into marts.stablecoin_chain_daily by name
select stablecoin_id, symbol, name, 'chain ' || c as chain, days.day, wave * 1e8 as supply_usd
from marts.stablecoin_risk_card, days, range(6) as chains (c);
insert into marts.market_regime_daily by name
select day, wave * 2e10 as total_mcap_usd, wave / 200 as btc_dominance_frac from days;
"""


def main() -> None:
    """Make the publication and its pages, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=300)
    parser.add_argument("--years", type=int, default=8)
    given = parser.parse_args()
    rows = _ROWS.format(assets=given.assets, days=given.years * 365, coins=given.assets // 3)
    with tempfile.TemporaryDirectory() as folder:
        publication = published(Path(folder) / "published", rows)
        size = (publication / DATABASE_NAME).stat().st_size / 1e6
        cpu = time.process_time()
        made = site.make(publication, Path(folder) / "site")
        cpu = time.process_time() - cpu
        front = made.index.stat().st_size / 1e3
        largest = max(path.stat().st_size for path in made.index.parent.rglob("*.html")) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{given.assets} assets, {given.years} years ({size:.0f} MB): {made.pages:,} pages in "
        f"{made.seconds:.1f} s ({cpu:.1f} s of processor), {made.bytes / 1e6:.1f} MB; front page "
        f"{front:.0f} kB, largest page {largest:.0f} kB; peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
