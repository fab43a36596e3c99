"""An export of prices and market caps becomes bars of the days that they close."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from tests.recorded.caps import convert

EXPORT = """snapped_at,price,market_cap,total_volume
2021-01-01 00:00:00 UTC,10,1000,5
2021-01-02 00:00:00 UTC,11,0.0,6
2021-01-02 17:00:41 UTC,12,1200,7
"""


def test_a_snapshot_at_midnight_closes_the_day_before(tmp_path: Path) -> None:
    folder = tmp_path / "coingecko_exports_asardon"
    folder.mkdir()
    (folder / "abc.csv").write_text(EXPORT)
    bars = pl.read_parquet(convert(tmp_path, tmp_path / "caps.parquet"))
    wanted = bars.select("symbol", "day", "high", "low", "close", "mcap_usd", "supply_native")
    assert wanted.rows() == [
        ("ABC", date(2020, 12, 31), 10, 10, 10, 1000, 100),
        # of two prices of a day the first is the close; a cap of 0 is unknown
        ("ABC", date(2021, 1, 1), 11, 11, 11, None, None),
    ]
